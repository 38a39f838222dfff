// Inputs outside a model's training range during a run: keyword range of both engines.
#pragma once

#include <cstdint>
#include <string>

namespace voxion {

enum class RangeCheck { warn, error, ignore };

// Throws Error unless the word is warn, error or ignore.
RangeCheck parse_range_check(const std::string &word);

class RangeWatch {
 public:
  explicit RangeWatch(RangeCheck action) : action_(action) {}

  // The next prediction out of range is warned of again.
  void begin_run() { warned_ = false; }
  // Checks the share of a prediction's inputs that lie outside the range. Returns a warning at the
  // first such prediction of a run, otherwise an empty text; throws Error if the action is error.
  std::string check(double outside_fraction, std::int64_t step);

 private:
  RangeCheck action_;
  bool warned_ = false;
};

}  // namespace voxion
