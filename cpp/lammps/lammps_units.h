// Names of the units that belong to LAMMPS's unit styles.
#pragma once

#include <string>

namespace voxion_lammps {

struct UnitNames {
  const char *length, *time, *density, *charge, *pressure;
};

inline UnitNames unit_names(const std::string &style) {
  if (style == "real") return {"angstrom", "fs", "g/cm^3", "e", "atmosphere"};
  if (style == "metal") return {"angstrom", "ps", "g/cm^3", "e", "bar"};
  if (style == "si") return {"m", "s", "kg/m^3", "C", "Pa"};
  if (style == "cgs") return {"cm", "s", "g/cm^3", "statC", "dyne/cm^2"};
  if (style == "electron") return {"Bohr", "fs", "amu/Bohr^3", "e", "Pa"};
  if (style == "micro") return {"um", "us", "pg/um^3", "pC", "pg/(um us^2)"};
  if (style == "nano") return {"nm", "ns", "ag/nm^3", "e", "ag/(nm ns^2)"};
  return {"sigma", "tau", "m/sigma^3", "q", "epsilon/sigma^3"};
}

}  // namespace voxion_lammps
