// The exceptions that the core throws; the glue turns them into the engine's own errors.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

namespace voxion {

// An input is wrong. The message names it, what was expected, what was found and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An error at known atoms. `site` counts surface atoms, `source` the sources of the call, both from
// 0.
class AtomError : public Error {
 public:
  AtomError(const std::string &message, std::optional<std::size_t> site,
            std::optional<std::size_t> source)
      : Error(message), site(site), source(source) {}

  using Name = std::function<std::string(std::size_t)>;
  // The message with the atoms as the engine names them.
  std::string described(const Name &surface_atom, const Name &source_atom) const {
    std::string atoms;
    if (site) atoms = "surface atom " + surface_atom(*site);
    if (source) atoms += (site ? ", source atom " : "source atom ") + source_atom(*source);
    return std::string(what()) + " (" + atoms + ")";
  }

  std::optional<std::size_t> site, source;
};

}  // namespace voxion
