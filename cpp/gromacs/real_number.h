// Numbers in text files.
#pragma once

#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace voxion_gromacs {

// The finite number that the whole word is.
inline std::optional<double> real_number(const std::string &word) {
  double number = 0.0;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (problem != std::errc() || end != word.data() + word.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

}  // namespace voxion_gromacs
