// Writing of the table of updates.
#include "charge_table.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "error.hpp"
#include "file_access.hpp"

namespace voxion_gromacs {

namespace {

constexpr const char *columns[] = {
    "correction (e)", "smallest charge (e)",   "mean charge (e)",        "largest charge (e)",
    "residual (e)",   "fraction out of range", "distance from training", "wall time (ms)"};

// Of electrodes at potentials.
constexpr const char *more_columns[] = {"total charge (e)", "potential (V)"};

std::string header(const std::vector<ElectrodeSettings> &electrodes) {
  std::string groups, legends;
  int number = 0;
  for (const auto &electrode : electrodes) {
    groups += (groups.empty() ? "" : " and ") + electrode.group;
    const auto add_legend = [&](const std::string &column) {
      const std::string whose = electrode.potential ? electrode.group + ": " : "";
      legends += "@ s" + std::to_string(number++) + " legend \"" + whose + column + "\"\n";
    };
    for (const char *column : columns) add_legend(column);
    if (!electrode.potential) continue;
    for (const char *column : more_columns) add_legend(column);
  }
  return "# updates of the charges of group " + groups + " by voxion\n@ title \"Charges of " +
         groups + "\"\n@ xaxis label \"Time (ps)\"\n@ yaxis label \"Charge (e)\"\n@TYPE xy\n" +
         legends;
}

// The lines of a table up to a time.
std::string beginning(const std::string &table, double last) {
  std::istringstream lines(table);
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    const bool row = !line.empty() && line[0] != '#' && line[0] != '@';
    if (!row || std::atof(line.c_str()) <= last) kept += line + "\n";
  }
  return kept;
}

// charges.xvg becomes #charges.xvg.1#, as GROMACS does it.
void back_up(const std::filesystem::path &path) {
  for (int number = 1;; ++number) {
    const auto backup =
        path.parent_path() / ("#" + path.filename().string() + "." + std::to_string(number) + "#");
    if (std::filesystem::exists(backup)) continue;
    std::error_code problem;
    std::filesystem::rename(path, backup, problem);
    if (problem)
      throw voxion::Error(path.string() + " cannot be moved to " + backup.string() + ": " +
                          problem.message());
    return;
  }
}

}  // namespace

ChargeTable::ChargeTable(const std::string &path, const std::vector<ElectrodeSettings> &electrodes,
                         double continued_at)
    : path_(path), electrodes_(electrodes) {
  const bool continued = continued_at > -1e300 && std::filesystem::exists(path);
  if (!continued && std::filesystem::exists(path)) back_up(path);
  // half a picosecond's millionth: times are written with six decimals
  const std::string text =
      continued ? beginning(voxion::read_whole(path), continued_at + 5e-7) : header(electrodes);
  voxion::write_whole(path, text.data(), text.size());
}

void ChargeTable::add(double time, const std::vector<ChargeRow> &surfaces) {
  char text[256];
  std::snprintf(text, sizeof(text), "%14.6f", time);
  std::string row = text;
  for (std::size_t n = 0; n < surfaces.size(); ++n) {
    const auto &[report, distance, milliseconds, total, potential] = surfaces[n];
    std::snprintf(text, sizeof(text), " %13.6e %13.6e %13.6e %13.6e %13.6e %9.6f %9.4f %9.3f",
                  report.correction, report.min, report.mean, report.max, report.residual(),
                  report.outside_fraction, distance, milliseconds);
    row += text;
    if (!electrodes_[n].potential) continue;
    std::snprintf(text, sizeof(text), " %15.9f %12.6f", total, potential);
    row += text;
  }
  std::ofstream file(path_, std::ios::app);
  file << row << std::endl;
  if (!file) throw voxion::Error(path_ + " cannot be written; is the disk full?");
}

}  // namespace voxion_gromacs
