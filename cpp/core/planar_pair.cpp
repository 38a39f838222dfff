// Geometry of two planar electrodes, and their total charges.
#include "planar_pair.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "error.hpp"

namespace voxion {

namespace {

constexpr double vacuum_permittivity =
    8.8541878128e-12 * 1e-10 / 1.602176634e-19;  // e/(V angstrom)
// Nuclei of one face lie closer together than this along z, and spread over half of it (angstrom).
constexpr double face_thickness = 0.5;

// The heights of an electrode's nuclei; in a periodic cell those of the images around the first.
std::vector<double> heights_of(std::span<const double> nuclei, double period) {
  if (nuclei.empty()) throw Error("an electrode has no atoms");
  std::vector<double> heights;
  for (std::size_t i = 2; i < nuclei.size(); i += 3) {
    if (!std::isfinite(nuclei[i])) throw Error("a position of an electrode's atom is not finite");
    double away = nuclei[i] - nuclei[2];
    if (period > 0.0) away -= period * std::round(away / period);
    heights.push_back(nuclei[2] + away);
  }
  return heights;
}

double mean_of(const std::vector<double> &values) {
  double sum = 0.0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::string text_of(double length) {
  std::ostringstream text;
  text << length;
  return text.str();
}

std::string listed(std::span<const double> lengths) {
  std::string text;
  for (double length : lengths) text += (text.empty() ? "" : ", ") + text_of(length);
  return text + " angstrom";
}

struct Face {
  double height;      // mean of the nuclei near the outermost one
  bool single_sheet;  // no other nuclei behind it
};

Face face_of(const std::vector<double> &heights, double outermost) {
  std::vector<double> face;
  std::copy_if(heights.begin(), heights.end(), std::back_inserter(face),
               [&](double z) { return std::abs(z - outermost) < face_thickness; });
  const auto [low, high] = std::minmax_element(face.begin(), face.end());
  if (*high - *low > 0.5 * face_thickness) {
    std::ostringstream text;
    text << "the nuclei of a face of the electrodes spread over " << *high - *low
         << " angstrom along z; expected a flat one (at most " << 0.5 * face_thickness
         << "), rigid and across z";
    throw Error(text.str());
  }
  return {mean_of(face), face.size() == heights.size()};
}

void check_cell(const Cell &cell) {
  constexpr double tolerance = 1e-6;
  const auto &[a, b, c] = cell.vectors;
  if (std::abs(a[2]) > tolerance || std::abs(b[2]) > tolerance || std::abs(c[0]) > tolerance ||
      std::abs(c[1]) > tolerance)
    throw Error("electrodes at potentials need a cell with one edge along z and two across it");
}

}  // namespace

PlanarPair::PlanarPair(std::span<const double> first, std::span<const double> second,
                       const std::array<double, 2> &plane_offsets, const Cell &cell) {
  check_cell(cell);
  const auto &[a, b, c] = cell.vectors;
  area_ = std::abs(a[0] * b[1] - a[1] * b[0]);
  period_ = cell.periodic[2] ? std::abs(c[2]) : 0.0;
  const std::vector<double> heights[2] = {heights_of(first, period_), heights_of(second, period_)};
  upper_ = mean_of(heights[1]) > mean_of(heights[0]) ? 1 : 0;
  const auto &below = heights[1 - upper_], &above = heights[upper_];
  const Face low = face_of(below, *std::max_element(below.begin(), below.end()));
  const Face high = face_of(above, *std::min_element(above.begin(), above.end()));
  separation_ = high.height - low.height;
  middle_ = 0.5 * (low.height + high.height);
  const auto offset = [&](const Face &face, int electrode) {
    const double behind = period_ - separation_;
    const bool counts_twice = period_ > 0.0 && face.single_sheet;
    return plane_offsets[electrode] * (counts_twice ? 1.0 + separation_ / behind : 1.0);
  };
  effective_ = separation_ - offset(low, 1 - upper_) - offset(high, upper_);
  if (!(separation_ > 0.0 && effective_ > 0.0)) {
    std::ostringstream text;
    text << "the faces of the electrodes are " << separation_
         << " angstrom apart along z; expected one electrode above the other, with the electrolyte "
            "between them";
    throw Error(text.str());
  }
}

std::vector<double> PlanarPair::behind_face(std::span<const double> nuclei, int electrode,
                                            std::span<const double> layers) const {
  std::vector<double> seen(nuclei.begin(), nuclei.end());
  std::vector<bool> filled(layers.size(), false);
  for (std::size_t i = 2; i < seen.size(); i += 3) {
    const double from_middle = seen[i] - middle_;
    double depth = (electrode == upper_ ? from_middle : -from_middle) - 0.5 * separation_;
    if (period_ > 0.0) depth -= period_ * std::floor((depth + face_thickness) / period_);
    const auto layer = std::find_if(layers.begin(), layers.end(), [&](double of_layer) {
      return std::abs(depth - of_layer) < 0.5 * face_thickness;
    });
    if (layer == layers.end())
      throw AtomError("a nucleus lies " + text_of(depth) + " angstrom behind the face of its " +
                          "electrode; the model knows layers at " + listed(layers) +
                          ": use a model of this electrode's material and number of layers",
                      i / 3, std::nullopt);
    filled[layer - layers.begin()] = true;
    seen[i] = depth;
  }
  const auto empty = std::find(filled.begin(), filled.end(), false);
  if (empty != filled.end())
    throw Error("an electrode has no nuclei " + text_of(layers[empty - filled.begin()]) +
                " angstrom behind its face; the model knows layers at " + listed(layers) +
                ": use a model of this electrode's number of layers");
  return seen;
}

double PlanarPair::height(double z) const {
  double height = z - middle_;
  if (period_ > 0.0) height -= period_ * std::floor((height + 0.5 * separation_) / period_);
  return height;
}

double PlanarPair::lever(const double *position, double height,
                         const std::array<const Corrugation *, 2> &corrugations) const {
  const double half = 0.5 * separation_;
  return height + corrugations[upper_]->at(position, half - height) -
         corrugations[1 - upper_]->at(position, half + height);
}

std::array<double, 2> PlanarPair::charges(const std::array<double, 2> &potentials,
                                          double moment) const {
  const double voltage = potentials[upper_] - potentials[1 - upper_];
  const double upper = (vacuum_permittivity * area_ * voltage - moment) / effective_;
  std::array<double, 2> charges{-upper, -upper};
  charges[upper_] = upper;
  return charges;
}

void check_neutral_electrolyte(double total_charge, double tolerance) {
  if (std::abs(total_charge) <= tolerance) return;
  std::ostringstream text;
  text << "the electrolyte has a charge of " << total_charge
       << " e; electrodes at potentials need a neutral one, and all of its atoms among the sources";
  throw Error(text.str());
}

}  // namespace voxion
