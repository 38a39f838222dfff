// The waves of a face's lattice.
#include "corrugation.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace voxion {

namespace {

constexpr double largest_wave = 3.5;        // 1/angstrom
constexpr double on_face = 0.25;            // angstrom; nuclei further behind are of other layers
constexpr double least_mean = 0.05;         // of a wave over the nuclei; less is disorder
constexpr double kept_while_within = 1e-6;  // angstrom
constexpr double last_exponent = 12.0;      // waves are left out from k d = 12 on

}  // namespace

void Corrugation::update(std::span<const double> seen, const Cell &cell) {
  if (amplitude_ == 0.0) return;
  std::vector<double> face;
  for (std::size_t i = 0; i < seen.size(); i += 3)
    if (std::abs(seen[i + 2]) < on_face) face.insert(face.end(), {seen[i], seen[i + 1]});
  if (unchanged(face, cell)) return;
  cell_ = cell;
  face_ = std::move(face);
  waves_.clear();
  const auto &[a, b, c] = cell.vectors;
  const double turn = 2.0 * std::numbers::pi / (a[0] * b[1] - a[1] * b[0]);
  const double first[2] = {turn * b[1], -turn * b[0]}, second[2] = {-turn * a[1], turn * a[0]};
  const auto count = [](const Vector &edge) {
    const double length = std::hypot(edge[0], edge[1]);
    return static_cast<int>(largest_wave * length / (2.0 * std::numbers::pi));
  };
  const auto nuclei = static_cast<double>(face_.size() / 2);
  double shortest = largest_wave;
  for (int n = 0; n <= count(a); ++n)
    for (int m = n == 0 ? 1 : -count(b); m <= count(b); ++m) {
      Wave wave{n * first[0] + m * second[0], n * first[1] + m * second[1], 0.0, 0.0, 0.0};
      wave.length = std::hypot(wave.x, wave.y);
      if (wave.length > largest_wave) continue;
      for (std::size_t j = 0; j < face_.size(); j += 2) {
        const double phase = wave.x * face_[j] + wave.y * face_[j + 1];
        wave.cosine += std::cos(phase) / nuclei;
        wave.sine += std::sin(phase) / nuclei;
      }
      if (std::hypot(wave.cosine, wave.sine) < least_mean) continue;
      waves_.push_back(wave);
      shortest = std::min(shortest, wave.length);
    }
  reach_ = last_exponent / shortest;
}

bool Corrugation::unchanged(std::span<const double> face, const Cell &cell) const {
  return cell == cell_ &&
         std::equal(face.begin(), face.end(), face_.begin(), face_.end(),
                    [](double x, double y) { return std::abs(x - y) < kept_while_within; });
}

double Corrugation::at(const double *position, double distance) const {
  if (distance > reach_) return 0.0;
  double sum = 0.0;
  for (const Wave &wave : waves_) {
    if (wave.length * distance > last_exponent) continue;
    const double phase = wave.x * position[0] + wave.y * position[1];
    const double cosine = wave.cosine * std::cos(phase) + wave.sine * std::sin(phase);
    sum += 2.0 * std::exp(-wave.length * distance) * cosine;
  }
  return amplitude_ * sum;
}

}  // namespace voxion
