// The table of a charge job's updates, a file that xmgrace and `gmx analyze` read.
#pragma once

#include <string>

#include "charge_predictor.hpp"

namespace voxion_gromacs {

class ChargeTable {
 public:
  // Rows of an existing table up to time `continued_at` (ps) stay when a run continues; a new run
  // (`continued_at` before all times) moves an existing file to GROMACS's backup name. Throws
  // Error.
  ChargeTable(const std::string &path, const std::string &group, double continued_at);

  // Adds the row of an update whose charges act from `time` (ps) on. Throws Error.
  void add(double time, const voxion::ChargeReport &report, double distance, double milliseconds);

 private:
  std::string path_;
};

}  // namespace voxion_gromacs
