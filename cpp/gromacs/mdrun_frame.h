// The data that mdrun passes to its kernel at one step.
#pragma once

#include <cstdint>

#include "cell.hpp"

namespace voxion_gromacs {

// An array of mdrun's, of float or, in a double-precision build, of double.
class Reals {
 public:
  Reals() = default;
  Reals(void *data, bool single) : data_(data), single_(single) {}

  bool given() const { return data_ != nullptr; }
  double operator[](std::size_t i) const {
    return single_ ? static_cast<const float *>(data_)[i] : static_cast<const double *>(data_)[i];
  }
  void set(std::size_t i, double value) const {
    if (single_)
      static_cast<float *>(data_)[i] = static_cast<float>(value);
    else
      static_cast<double *>(data_)[i] = value;
  }

 private:
  void *data_ = nullptr;
  bool single_ = true;
};

struct MdrunFrame {
  std::int64_t step = 0;
  double timestep = 0.0;  // ps
  int atoms = 0;
  Reals positions;    // xyz, nm
  Reals masses;       // u
  Reals charges;      // e; those that this step's forces were computed with, and mdrun's own
  Reals forces;       // xyz, kJ/mol/nm; what is added to them acts in this step
  voxion::Cell cell;  // nm

  double time() const { return static_cast<double>(step) * timestep; }  // ps
};

}  // namespace voxion_gromacs
