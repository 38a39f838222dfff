// Reading and writing of the state file.
#include "state_file.h"

#include <algorithm>
#include <filesystem>

#include "error.hpp"
#include "file_access.hpp"
#include "json_text.hpp"

namespace voxion_gromacs {

using Json = nlohmann::json;

namespace {

constexpr const char *format = "voxion-mdrun-state";
constexpr int format_version = 1;
constexpr std::size_t kept = 2;

bool is_list_of_jobs(const Json &record, const char *kind, const char *key) {
  const auto jobs = record.find(kind);
  if (jobs == record.end()) return true;
  return jobs->is_array() && std::all_of(jobs->begin(), jobs->end(), [&](const Json &job) {
           return job.is_object() && job.contains(key) && job[key].is_string() &&
                  (!job.contains("store") || job["store"].is_string());
         });
}

// Checks before the jobs read their own parts.
bool is_sound(const Json &record) {
  return record.is_object() && record.contains("step") && record["step"].is_number_integer() &&
         is_list_of_jobs(record, "charges", "group") && is_list_of_jobs(record, "voxels", "file");
}

}  // namespace

const Json *StateFile::open(std::int64_t step) {
  records_.clear();
  if (!std::filesystem::exists(path_)) return nullptr;
  const Json root = voxion::parse_json(voxion::read_whole(path_));
  const auto damaged = [&] {
    return voxion::Error(path_ + " is damaged, or not what a run with voxion left at its " +
                         "checkpoints; a run cannot be continued with it");
  };
  try {
    if (root.at("format") != format || root.at("version") != format_version) throw damaged();
    const Json &records = root.at("checkpoints");
    if (!records.is_array() || !std::all_of(records.begin(), records.end(), is_sound))
      throw damaged();
    for (const auto &record : records)
      if (record.at("step") <= Json(step)) records_.push_back(record);
  } catch (const Json::exception &) {
    throw damaged();
  }
  const bool found = !records_.empty() && records_.front().at("step") == step;
  return found ? &records_.front() : nullptr;
}

void StateFile::keep(Json record) {
  if (!records_.empty() && records_.front().at("step") == record.at("step"))
    records_.erase(records_.begin());
  records_.insert(records_.begin(), std::move(record));
  if (records_.size() > kept) records_.resize(kept);
  const Json root{{"format", format}, {"version", format_version}, {"checkpoints", records_}};
  const std::string text = root.dump() + "\n";
  voxion::write_whole(path_, text.data(), text.size());
}

}  // namespace voxion_gromacs
