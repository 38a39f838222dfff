// Reading of potentials.
#include "electrode_potential.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <sstream>

#include "error.hpp"
#include "file_access.hpp"
#include "number_in.h"
#include "text.hpp"

namespace voxion_gromacs {

using voxion::Error;

namespace {

std::optional<double> finite_number(const std::string &word) {
  const auto number = number_in<double>(word);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

}  // namespace

ElectrodePotential::ElectrodePotential(const std::string &word) {
  if (word.ends_with(".xvg")) {
    read_table(word);
    description_ = "the potentials of " + word;
    return;
  }
  const auto number = finite_number(word);
  if (!number)
    throw Error("expected a potential in V, or the name of a table of potentials (.xvg), found " +
                word);
  times_ = {0.0};
  values_ = {*number};
  description_ = word + " V";
}

void ElectrodePotential::read_table(const std::string &path) {
  std::istringstream text(voxion::read_whole(path));
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    const auto fail = [&](const std::string &what) {
      throw Error(path + ", line " + std::to_string(number) + ": " + what);
    };
    std::istringstream words(line.substr(0, line.find_first_of("#@")));
    std::string time, value, more;
    if (!(words >> time)) continue;
    words >> value;
    const auto at = finite_number(time), potential = finite_number(value);
    if (!at || !potential || words >> more)
      fail("expected a time (ps) and a potential (V), found " + voxion::shortened(line));
    if (!times_.empty() && !(*at > times_.back()))
      fail("expected times that ascend, found " + time);
    times_.push_back(*at);
    values_.push_back(*potential);
  }
  if (times_.empty()) throw Error(path + " has no rows of a time (ps) and a potential (V)");
}

double ElectrodePotential::at(double time) const {
  const auto after = std::upper_bound(times_.begin(), times_.end(), time) - times_.begin();
  if (after == 0) return values_.front();
  if (after == static_cast<std::ptrdiff_t>(times_.size())) return values_.back();
  return std::lerp(values_[after - 1], values_[after],
                   (time - times_[after - 1]) / (times_[after] - times_[after - 1]));
}

}  // namespace voxion_gromacs
