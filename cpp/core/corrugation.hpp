// How the potential of two electrodes ripples close to the nuclei of a face.
#pragma once

#include <span>
#include <vector>

#include "cell.hpp"

namespace voxion {

// Between planes the potential of a unit difference rises linearly, and the charge that an atom
// induces goes with its height (PlanarPair). Between faces of nuclei it ripples with the period of
// the lattice, which decays as exp(-k d) with the distance d from the face. To an atom this is an
// additional height towards the electrode of
//
//   a (1/N) sum_j sum_k exp(-k d) cos k.(r - r_j)
//
// over the N nuclei j of the face and the lateral wave vectors k of the cell up to 3.5 1/angstrom,
// of which those of the lattice do not cancel. The length a belongs to the material
// (ChargeContract::corrugation).
class Corrugation {
 public:
  explicit Corrugation(double amplitude) : amplitude_(amplitude) {}

  // Positions of an electrode's nuclei as of PlanarPair::behind_face. The waves are kept while the
  // nuclei stay where they are along the face.
  void update(std::span<const double> seen, const Cell &cell);
  // Additional height (angstrom) of an atom at this position (x, y) and distance from the face.
  double at(const double *position, double distance) const;

 private:
  struct Wave {  // k and -k
    double x, y, length;
    double cosine, sine;  // of k.r_j, means over the nuclei
  };
  bool unchanged(std::span<const double> face, const Cell &cell) const;

  double amplitude_;
  Cell cell_;
  std::vector<double> face_;  // x, y of the nuclei
  std::vector<Wave> waves_;
  double reach_ = 0.0;  // distance from which on nothing is left
};

}  // namespace voxion
