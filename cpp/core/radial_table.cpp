// Builds the interpolation table of the radial functions.
#include "radial_table.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "error.hpp"

namespace voxion {

namespace {

// A table for numbers beyond these would not fit into memory, or not hold finite values.
const RadialFunctions &checked(const RadialFunctions &functions) {
  const bool in_range =
      std::all_of(functions.widths.begin(), functions.widths.end(),
                  [](double width) { return width >= 0.0 && width <= limits::width; });
  if (functions.widths.empty() || functions.widths.size() > limits::widths || !in_range)
    throw Error("radial functions must have 1 to " + std::to_string(limits::widths) +
                " widths from 0 to " + std::to_string(limits::width) + " 1/angstrom");
  if (!(functions.cutoff >= limits::least_cutoff && functions.cutoff <= limits::cutoff))
    throw Error("the cutoff of radial functions must be " + std::to_string(limits::least_cutoff) +
                " to " + std::to_string(limits::cutoff) + " angstrom, found " +
                std::to_string(functions.cutoff));
  return functions;
}

}  // namespace

RadialTable::RadialTable(const RadialFunctions &functions)
    : widths_(checked(functions).widths),
      cutoff_(functions.cutoff),
      stride_((widths_.size() + lanes - 1) / lanes * lanes) {
  for (double a : widths_) shifts_.push_back(std::erfc(a * cutoff_) / cutoff_);
  const auto intervals = static_cast<std::size_t>(std::ceil(cutoff_ / spacing)) + 1;
  table_.assign(4 * stride_ * intervals, 0.0);
  for (auto i = static_cast<std::size_t>(r_min / spacing); i < intervals; ++i) {
    const double left = static_cast<double>(i) * spacing;
    const double right = left + spacing;
    double *row = &table_[4 * stride_ * i];
    for (std::size_t k = 0; k < count(); ++k) {
      const double f0 = exact(k, left), f1 = exact(k, right);
      const double d0 = slope(k, left) * spacing, d1 = slope(k, right) * spacing;
      row[k] = f0;
      row[stride_ + k] = d0;
      row[2 * stride_ + k] = 3.0 * (f1 - f0) - 2.0 * d0 - d1;
      row[3 * stride_ + k] = 2.0 * (f0 - f1) + d0 + d1;
    }
  }
}

double RadialTable::exact(std::size_t k, double r) const {
  return std::erfc(widths_[k] * r) / r - shifts_[k];
}

double RadialTable::slope(std::size_t k, double r) const {
  const double a = widths_[k];
  return -std::erfc(a * r) / (r * r) -
         2.0 * a * std::numbers::inv_sqrtpi * std::exp(-a * a * r * r) / r;
}

}  // namespace voxion
