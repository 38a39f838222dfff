// The exceptions that the core throws; the glue turns them into the engine's own errors.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

namespace voxion {

// An input is wrong. The message names it, what was expected, what was found and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An error at known atoms, which the glue names in the engine's own way. `site` counts surface
// atoms, `source` the sources of the call, both from 0.
class AtomError : public Error {
 public:
  AtomError(const std::string &message, std::optional<std::size_t> site,
            std::optional<std::size_t> source)
      : Error(message), site(site), source(source) {}
  std::optional<std::size_t> site, source;
};

}  // namespace voxion
