// The potential of an electrode: constant, or a table over time.
#pragma once

#include <string>
#include <vector>

namespace voxion_gromacs {

class ElectrodePotential {
 public:
  // `word` is a number (V), or the name of a table (.xvg) of times (ps) and potentials (V). Throws
  // Error.
  explicit ElectrodePotential(const std::string &word);

  // Linear between the times of the table; before the first and after the last time theirs.
  double at(double time) const;
  // As in "at 0.5 V" or "at the potentials of ramp.xvg".
  const std::string &description() const { return description_; }

 private:
  void read_table(const std::string &path);

  std::vector<double> times_, values_;
  std::string description_;
};

}  // namespace voxion_gromacs
