// The options that mdrun was started with, as far as charges depend on them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace voxion_gromacs {

struct MdrunOptions {
  std::optional<std::int64_t> nstlist;
  std::string pme;  // empty: not given
  // Of the Coulomb sums; only VOXION_MDRUN_OPTIONS says them, since they are no options of mdrun.
  std::optional<double> coulomb_cutoff;   // mdp option rcoulomb, nm
  std::optional<double> ewald_tolerance;  // mdp option ewald-rtol
  bool rerun = false;
};

MdrunOptions parse_mdrun_options(const std::vector<std::string> &words);

// Those of this process's own command line; what the environment variable VOXION_MDRUN_OPTIONS says
// goes before, for options that mdrun does not take or runs that have no such command line.
MdrunOptions mdrun_options();

// Throws Error, saying what to do, unless charges can be changed under these options.
void check_options_for_charges(const MdrunOptions &options);

}  // namespace voxion_gromacs
