// Text of a hash.
#include "hash.hpp"

#include <cinttypes>
#include <cstdio>

namespace voxion {

std::string hexadecimal(std::uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016" PRIx64, hash);
  return text;
}

}  // namespace voxion
