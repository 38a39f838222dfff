// The channels of fix voxion/voxels: from their names to values of atoms.
#pragma once

#include <string>
#include <vector>

#include "pointers.h"
#include "voxel_frame.hpp"

namespace LAMMPS_NS {

class VoxelChannels : protected Pointers {
 public:
  // Makes a compute of the stress of its own where a channel needs it. LAMMPS stops with an error
  // that names `fix_id` when a channel is unknown.
  VoxelChannels(class LAMMPS *lmp, const std::string &fix_id, int igroup,
                const std::vector<std::string> &names);
  ~VoxelChannels() override;

  std::vector<voxion::VoxelChannel> channels() const { return channels_; }
  std::vector<std::string> names() const;
  std::size_t columns() const { return columns_.size(); }
  // True if a sample needs computes, which must know its step beforehand.
  bool uses_computes() const;

  // Finds computes, fixes and variables, which may have changed between runs, and checks that they
  // give a value for each atom on every sampled step.
  void init(int nevery);
  // True if the stress is a guess at the first step of a run: the constraint forces of rigid bodies
  // come with the second.
  bool guessed_at_setup() const;
  // Computes what this step's sample needs.
  void compute();
  // Adds the values of the atoms that were located to their columns.
  void deposit(voxion::VoxelSums &sums) const;

 private:
  enum class Kind { mass, charge, number, stress, compute, fix, variable };
  struct Column {
    Kind kind;
    std::string id;  // of the compute, fix or variable
    int index = 0;   // column from 0; -1: the per-atom vector
    class Compute *compute = nullptr;
    class Fix *fix = nullptr;
    int variable = -1;
    std::vector<double> values = {};  // of a variable
  };

  void add_channel(const std::string &name);
  void add_stress(const std::string &name, const std::vector<int> &components);
  void add_reference(const std::string &name);
  std::size_t stress_column(int component);
  std::vector<class Fix *> rigid_fixes() const;
  void add_stress_compute();
  void check_rigid_bodies() const;
  void find_compute(Column &column);
  void find_fix(Column &column, int nevery);
  void check_columns(const Column &column, int peratom_flag, int columns) const;
  std::string described(const Column &column) const;
  void deposit_mass(voxion::VoxelSums &sums, std::size_t column) const;
  void deposit_reference(voxion::VoxelSums &sums, std::size_t column) const;

  std::string fix_id_;
  int igroup_;
  std::string stress_id_;  // of the compute of its own, empty if none
  std::vector<voxion::VoxelChannel> channels_;
  std::vector<Column> columns_;
};

}  // namespace LAMMPS_NS
