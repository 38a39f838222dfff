// mdrun does not tell a kernel its options; its command line does.
#include "mdrun_options.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "error.hpp"

namespace voxion_gromacs {

MdrunOptions parse_mdrun_options(const std::vector<std::string> &words) {
  MdrunOptions options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "-rerun") options.rerun = true;
    if (i + 1 == words.size()) break;
    if (words[i] == "-nstlist") options.nstlist = std::atoll(words[i + 1].c_str());
    if (words[i] == "-pme") options.pme = words[i + 1];
    if (words[i] == "-rcoulomb") options.coulomb_cutoff = std::atof(words[i + 1].c_str());
    if (words[i] == "-ewald-rtol") options.ewald_tolerance = std::atof(words[i + 1].c_str());
  }
  return options;
}

MdrunOptions mdrun_options() {
  std::vector<std::string> words;
  std::ifstream stream("/proc/self/cmdline");
  for (std::string word; std::getline(stream, word, '\0');) words.push_back(word);
  if (const char *told = std::getenv("VOXION_MDRUN_OPTIONS")) {
    std::istringstream more(told);
    words.insert(words.end(), std::istream_iterator<std::string>(more), {});
  }
  return parse_mdrun_options(words);
}

void check_options_for_charges(const MdrunOptions &options) {
  if (options.rerun)
    throw voxion::Error(
        "charges that change have no meaning with mdrun -rerun, since they act on the step after; "
        "leave out the charge jobs");
  if (options.pme != "cpu")
    throw voxion::Error(
        "PME must be told to run on the CPU, since a GPU keeps charges of its own: start mdrun "
        "with -pme cpu (" +
        (options.pme.empty() ? "not given" : "found -pme " + options.pme) +
        "); 'voxion mdrun' does it");
  if (!options.nstlist || *options.nstlist < 1)
    throw voxion::Error(
        "charges may change at pair searches only, and mdrun chooses their interval itself unless "
        "it is told: start mdrun with -nstlist and the mdp file's nstlist, or, where mdrun takes "
        "no -nstlist, with VOXION_MDRUN_OPTIONS=\"-nstlist N -pme cpu\" in the environment; "
        "'voxion mdrun' does it");
}

}  // namespace voxion_gromacs
