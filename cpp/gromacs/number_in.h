// Numbers in text files.
#pragma once

#include <charconv>
#include <optional>
#include <string>

namespace voxion_gromacs {

// The number that the whole word is.
template <typename Number>
std::optional<Number> number_in(const std::string &word) {
  Number number{};
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (problem != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

}  // namespace voxion_gromacs
