// Reading and writing of the state file.
#include "state_file.h"

#include <filesystem>

#include "error.hpp"
#include "file_access.hpp"

namespace voxion_gromacs {

using Json = nlohmann::json;

namespace {

constexpr const char *format = "voxion-mdrun-state";
constexpr int format_version = 1;
constexpr std::size_t kept = 2;

}  // namespace

const Json *StateFile::open(std::int64_t step) {
  records_.clear();
  if (!std::filesystem::exists(path_)) return nullptr;
  const Json root = Json::parse(voxion::read_whole(path_), nullptr, false);
  const auto damaged = [&] {
    return voxion::Error(path_ + " is damaged, or not what a run with voxion left at its " +
                         "checkpoints; a run cannot be continued with it");
  };
  if (!root.is_object() || root.value("format", "") != format ||
      root.value("version", 0) != format_version)
    throw damaged();
  try {
    for (const auto &record : root.at("checkpoints"))
      if (record.at("step").get<std::int64_t>() <= step) records_.push_back(record);
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
