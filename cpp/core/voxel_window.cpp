// The rules of Nevery, Nrepeat and Nfreq.
#include "voxel_window.hpp"

#include <string>

#include "error.hpp"

namespace voxion {

namespace {
// Far beyond any run; so that the end of a window is a number, too.
constexpr std::int64_t longest = 1'000'000'000'000'000;
}  // namespace

void VoxelWindow::check() const {
  const std::string found = ", found " + std::to_string(every) + " " + std::to_string(repeat) +
                            " " + std::to_string(period);
  if (every < 1 || repeat < 1 || period < 1)
    throw Error("Nevery, Nrepeat and Nfreq must be at least 1" + found);
  if (period > longest) throw Error("Nfreq must be at most " + std::to_string(longest) + found);
  // divided, since Nevery times Nrepeat may be too large for a number
  if (period % every != 0 || repeat - 1 > (period - 1) / every)
    throw Error("Nfreq must be a multiple of Nevery, and Nevery times Nrepeat at most Nfreq" +
                found);
}

std::int64_t VoxelWindow::first_sample(std::int64_t now, std::int64_t last_frame) const {
  std::int64_t end = (now / period) * period;
  while (end <= last_frame || end - (repeat - 1) * every < now) end += period;
  return end - (repeat - 1) * every;
}

}  // namespace voxion
