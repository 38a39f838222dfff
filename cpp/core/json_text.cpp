// Showing of JSON.
#include "json_text.hpp"

#include "text.hpp"

namespace voxion {

std::string shown(const nlohmann::json &value) { return shortened(value.dump(-1, ' ', true)); }

}  // namespace voxion
