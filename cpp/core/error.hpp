// The exceptions that the core throws; the glue turns them into the engine's own errors.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace voxion {

// An input is wrong. The message names it, what was expected, what was found and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A model gave a charge that is not a finite number; `site` counts surface atoms from 0.
class NonFiniteCharge : public Error {
 public:
  NonFiniteCharge(std::size_t site, const std::string &message) : Error(message), site(site) {}
  std::size_t site;
};

}  // namespace voxion
