// Warns of inputs outside the training range, or stops.
#include "range_watch.hpp"

#include <cstdio>

#include "error.hpp"

namespace voxion {

namespace {
// A larger share of inputs outside the training range is worth a word: a few always are, since a
// range is made of extremes.
constexpr double tolerance = 0.01;
}  // namespace

RangeCheck parse_range_check(const std::string &word) {
  if (word == "warn") return RangeCheck::warn;
  if (word == "error") return RangeCheck::error;
  if (word == "ignore") return RangeCheck::ignore;
  throw Error("range must be warn, error or ignore, found " + word);
}

std::string RangeWatch::check(double outside_fraction, std::int64_t step) {
  if (action_ == RangeCheck::ignore || outside_fraction <= tolerance) return "";
  char percent[32];
  std::snprintf(percent, sizeof(percent), "%.1f", 100.0 * outside_fraction);
  const std::string message = std::string(percent) + " % of the model's inputs at step " +
                              std::to_string(step) +
                              " lie outside its training range; see keyword range";
  if (action_ == RangeCheck::error) throw Error(message);
  if (warned_) return "";
  warned_ = true;
  return message;
}

}  // namespace voxion
