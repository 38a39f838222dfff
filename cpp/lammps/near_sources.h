// The electrolyte atoms near a surface, shared out evenly over the MPI ranks.
#pragma once

#include <vector>

#include "pointers.h"

namespace LAMMPS_NS {

// LAMMPS divides space, so that all atoms near a sheet may belong to one rank while the others
// would wait for its sums. The atoms near the sheet are few: every rank gets all of them and
// returns every nprocs-th, which is an even share of near and far ones.
class NearSources : protected Pointers {
 public:
  // `bit` of the sources' group; `reach` in angstrom from the surface's bounding box.
  NearSources(LAMMPS *lmp, int bit, double reach) : Pointers(lmp), bit_(bit), reach_(reach) {}

  // Tells that local atoms were renumbered.
  void renumbered() { selected_ = false; }
  // This rank's share: positions (xyz, angstrom), charges (e) and IDs. `surface` holds the
  // positions of all surface atoms (xyz, angstrom), `angstrom` is a length unit of the run.
  void gather(const std::vector<double> &surface, double angstrom, std::vector<double> &positions,
              std::vector<double> &charges, std::vector<tagint> &tags);

 private:
  void select(const std::vector<double> &surface, double angstrom);
  bool others_moved() const;

  int bit_;
  double reach_;
  bool selected_ = false;
  std::vector<int> near_, others_;       // local indices
  std::vector<double> others_selected_;  // positions at the selection
  double margin_ = 0.0;                  // length units
};

}  // namespace LAMMPS_NS
