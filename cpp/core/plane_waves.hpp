// The long-waved part of the potential that point charges make at the sites of a flat surface.
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "cell.hpp"

namespace voxion {

// phi_i = 4 pi / A sum_k w(k) / k Re[exp(-i k.r_i) sum_j q_j exp(i k.r_j - k |z_j - z_i|)], in
// e/angstrom: the potential of all sources j and their images along x, y and, where the cell
// repeats, z, without its wave vectors beyond the largest. The sum runs over half of the lateral
// wave vectors k of the cell, since k and -k give the same. The weight w falls to zero at the
// largest, so that a cell that changes its size takes waves in and out without a jump.
//
// Together with SitePotentials of a short cutoff this is nearly the whole potential: what a cutoff
// leaves out are the long waves, which decay slowest from the sources on.
class PlaneWaves {
 public:
  // `largest` wave vector, 1/angstrom.
  explicit PlaneWaves(double largest) : largest_(largest) {}

  // Sites and sources are xyz triples (angstrom), charges in e, `out` has one value for each site.
  // Results of parts of the sources add up. Throws AtomError where a source lies between the
  // outermost sites along z, and Error when the cell does not repeat along x and y or has too many
  // waves.
  void compute(std::span<const double> sites, std::span<const double> sources,
               std::span<const double> charges, const Cell &cell, std::span<double> out);

 private:
  // The waves n b_1 + m b_2 and n b_1 - m b_2, or one of them: where both are there they are
  // equally long.
  struct Wave {
    std::uint32_t n, m;
    bool plus, minus;
    double length, weight;
  };
  // Sums over sources of products of cosines and sines along the cell's two lateral vectors.
  struct Products {
    double cos_cos = 0.0, cos_sin = 0.0, sin_cos = 0.0, sin_sin = 0.0;
  };
  struct Image {           // of a source
    double first, second;  // lateral fractional coordinates
    double distance;       // from the middle of the sites along z
    double charge;
  };
  // Sites of equal z, and among them sites with the same coordinate along the cell's second vector:
  // in a lattice they are few lines, and the waves are summed up once for each.
  struct Line {
    double fraction;
    std::vector<std::uint32_t> sites;
  };
  struct Plane {
    double height;  // from middle_
    std::vector<Line> lines;
  };

  void choose_cell(const Cell &cell);
  void choose_waves();
  void add_wave(long n, long m, bool both);
  void place_sites(std::span<const double> sites);
  void find_images(std::span<const double> sources, std::span<const double> charges);
  void sum_products(const std::vector<std::vector<Image>> &shells,
                    std::vector<Products> &products) const;
  void add_block(std::span<const Image> images, double limit, double *second, double *sums) const;
  void potentials_of(const Plane &plane, std::span<double> out) const;
  double fraction(int direction, const double *position) const;

  double largest_;
  Cell cell_;
  double inverse_[2][2] = {};  // rows: lateral fractional coordinates
  double area_ = 0.0;
  double period_ = 0.0;      // along z, angstrom; 0: none
  std::vector<Wave> waves_;  // by n
  double shortest_ = 0.0;    // of the wave vectors
  long most_[2] = {};        // largest n and m

  std::vector<double> sites_;
  double middle_ = 0.0, half_thickness_ = 0.0;  // of the sites, along z
  std::vector<Plane> planes_;
  std::vector<double> site_fractions_;  // along the cell's first vector

  // By distance: sources that are summed side by side should reach equally far.
  std::vector<std::vector<Image>> above_, below_;
  std::vector<Products> products_above_, products_below_;
};

}  // namespace voxion
