// The potential of an electrode: a number or an equal-style variable.
#pragma once

#include <string>

#include "pointers.h"

namespace LAMMPS_NS {

class ElectrodePotential : protected Pointers {
 public:
  // `owner` opens all messages; `text` is a number (V) or v_name.
  ElectrodePotential(LAMMPS *lmp, const std::string &owner, const std::string &text);

  // Stops unless the variable exists and is of style equal.
  void check() const;
  // At the present step, V. To be called by all ranks. No computes are scheduled for it: LAMMPS
  // would then work out energies and the virial at every step.
  double evaluate();
  double value() const { return value_; }  // of the last evaluation
  // That of an interrupted run. Returns false if the command says another number.
  bool restart(double value);

 private:
  bool constant() const { return variable_.empty(); }

  std::string owner_, variable_;
  double value_ = 0.0;
};

}  // namespace LAMMPS_NS
