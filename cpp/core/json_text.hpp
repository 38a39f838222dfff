// JSON that comes from a file: read within bounds, and shown in messages.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "contract.hpp"

namespace voxion {

// Null unless the text is one JSON value with at most limits::depth containers around any value:
// what walks through a value calls itself for each.
template <typename Json = nlohmann::json>
Json parse_json(const std::string &text) {
  if (text.rfind("\xEF\xBB\xBF", 0) == 0) return {};  // a byte order mark is no JSON
  bool too_deep = false;
  const auto watch_depth = [&](int depth, typename Json::parse_event_t, Json &) {
    too_deep = too_deep || depth > limits::depth;
    return !too_deep;
  };
  Json json = Json::parse(text, watch_depth, false);
  return too_deep || json.is_discarded() ? Json() : json;
}

// A value as a message shows it: one line of ASCII, not too long.
std::string shown(const nlohmann::json &value);

}  // namespace voxion
