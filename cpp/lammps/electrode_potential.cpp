// Reading and evaluating the potential of an electrode.
#include "electrode_potential.h"

#include <cmath>

#include "error.h"
#include "fmt/format.h"
#include "input.h"
#include "update.h"
#include "utils.h"
#include "variable.h"

using namespace LAMMPS_NS;

ElectrodePotential::ElectrodePotential(LAMMPS *lmp, const std::string &owner,
                                       const std::string &text)
    : Pointers(lmp), owner_(owner) {
  if (utils::strmatch(text, "^v_"))
    variable_ = text.substr(2);
  else
    value_ = utils::numeric(FLERR, text, false, lmp);
}

void ElectrodePotential::check() const {
  if (constant()) return;
  const int index = input->variable->find(variable_.c_str());
  if (index < 0)
    error->all(FLERR, "{}: there is no variable {} for keyword potential", owner_, variable_);
  if (!input->variable->equalstyle(index))
    error->all(FLERR, "{}: variable {} of keyword potential must be of style equal", owner_,
               variable_);
}

double ElectrodePotential::evaluate() {
  if (!constant())
    value_ = input->variable->compute_equal(input->variable->find(variable_.c_str()));
  if (!std::isfinite(value_))
    error->all(FLERR, "{} at step {}: the potential {}is {}, expected a number of volts", owner_,
               update->ntimestep, constant() ? "" : "of variable " + variable_ + " ", value_);
  return value_;
}

// The value that a variable had at its last update stays in effect until the next one.
bool ElectrodePotential::restart(double value) {
  if (constant() && value_ != value) return false;
  value_ = value;
  return true;
}
