// The jobs' states, in a JSON file that continues a run beside mdrun's own checkpoint.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace voxion_gromacs {

// Keeps the last two checkpoints, as mdrun keeps state.cpt and state_prev.cpt.
class StateFile {
 public:
  explicit StateFile(std::string path) : path_(std::move(path)) {}

  const std::string &path() const { return path_; }
  // Reads what an interrupted run left, up to `step`; the record of that step, null if there is
  // none. Throws Error when the file is damaged.
  const nlohmann::json *open(std::int64_t step);
  // Adds a record, which has its "step", and writes the file. Throws Error.
  void keep(nlohmann::json record);

 private:
  std::string path_;
  std::vector<nlohmann::json> records_;  // the newest first
};

}  // namespace voxion_gromacs
