// How far results of tests are from what they should be.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

// Infinite where the sizes differ.
inline double largest_difference(const std::vector<double> &a, const std::vector<double> &b) {
  double largest = a.size() == b.size() ? 0.0 : std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}
