// The table of a charge job's updates, a file that xmgrace and `gmx analyze` read.
#pragma once

#include <string>
#include <vector>

#include "charge_predictor.hpp"
#include "job_file.h"

namespace voxion_gromacs {

// What an update says of one surface.
struct ChargeRow {
  voxion::ChargeReport report;
  double distance, milliseconds;
  double total, potential;  // of an electrode at a potential
};

class ChargeTable {
 public:
  // Rows of an existing table up to time `continued_at` (ps) stay when a run continues; a new run
  // (`continued_at` before all times) moves an existing file to GROMACS's backup name. Throws
  // Error.
  ChargeTable(const std::string &path, const std::vector<ElectrodeSettings> &electrodes,
              double continued_at);

  // Adds the row of an update whose charges act from `time` (ps) on, one part for each surface.
  // Throws Error.
  void add(double time, const std::vector<ChargeRow> &surfaces);

 private:
  std::string path_;
  std::vector<ElectrodeSettings> electrodes_;
};

}  // namespace voxion_gromacs
