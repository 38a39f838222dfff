// The file that is given to mdrun -plumed: what voxion shall do during the run, one line per job.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "electrode_potential.h"
#include "range_watch.hpp"
#include "voxel_shape.hpp"
#include "voxel_window.hpp"

namespace voxion_gromacs {

struct ElectrodeSettings {
  std::string group, model;
  std::optional<ElectrodePotential> potential;
};

// charge GROUP N MODEL sources GROUP2 keyword value ...
struct ChargeSettings {
  std::vector<ElectrodeSettings> electrodes;  // one surface, or two electrodes at potentials
  std::string sources;
  std::int64_t every = 1;  // steps
  voxion::RangeCheck range = voxion::RangeCheck::warn;
  std::string device = "cpu";
  int threads = 1;
  std::string output;  // table of the updates; none if empty
};

// voxels GROUP Nevery Nrepeat Nfreq nx ny nz file F channels C ... keyword value ...
struct VoxelSettings {
  std::string group;
  voxion::VoxelWindow window;
  voxion::VoxelShape shape;
  std::string file;
  std::vector<std::string> channels;
  std::string classifier;  // model file; none if empty
  std::string spread = "ngp";
};

// plumed FILE kernel LIBRARY
struct PlumedSettings {
  std::string file, kernel;
};

struct JobFile {
  std::string path;
  std::string index;                               // GROMACS index file
  std::array<bool, 3> periodic{true, true, true};  // of mdp option pbc
  std::vector<ChargeSettings> charges;
  std::vector<VoxelSettings> voxels;
  std::optional<PlumedSettings> plumed;
};

// Throws Error that names the file and the line.
JobFile read_job_file(const std::string &path);

}  // namespace voxion_gromacs
