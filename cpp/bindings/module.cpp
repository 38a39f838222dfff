// voxion._core: the core for Python. torch must have been imported before.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "corrugation.hpp"
#include "error.hpp"
#include "index_file.h"
#include "job_file.h"
#include "voxel_classifier.hpp"
#include "whole_predictor.hpp"

namespace py = pybind11;
using namespace py::literals;

namespace {

using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;

std::span<const double> view(const Array &array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

void require_shape(const Array &array, const char *name, py::ssize_t columns) {
  if (array.ndim() != 2 || array.shape(1) != columns)
    throw voxion::Error(std::string(name) + " must have the shape [n, " + std::to_string(columns) +
                        "]");
}

void require_length(const Array &array, const char *name, py::ssize_t length) {
  if (array.ndim() != 1 || array.shape(0) != length)
    throw voxion::Error(std::string(name) + " must have the shape [" + std::to_string(length) +
                        "]");
}

voxion::Cell make_cell(const Array &vectors, const std::array<bool, 3> &periodic) {
  require_shape(vectors, "cell", 3);
  voxion::Cell cell;
  for (int i = 0; i < 3; ++i)
    for (int d = 0; d < 3; ++d) cell.vectors[i][d] = vectors.at(i, d);
  cell.periodic = periodic;
  return cell;
}

Array site_potentials(const Array &surface, const Array &sources, const Array &charges,
                      const Array &cell, const std::array<bool, 3> &periodic,
                      const std::vector<double> &widths, double cutoff,
                      const std::optional<double> &largest_wave) {
  require_shape(surface, "surface_positions", 3);
  require_shape(sources, "source_positions", 3);
  require_length(charges, "source_charges", sources.shape(0));
  voxion::SitePotentials sums({widths, cutoff}, largest_wave, 0.0);
  Array out({surface.shape(0), static_cast<py::ssize_t>(sums.columns())});
  sums.compute(view(surface), view(sources), view(charges), make_cell(cell, periodic),
               {out.mutable_data(), static_cast<std::size_t>(out.size())});
  return out;
}

// Additional heights of atoms, for a corrugation of 1 angstrom.
Array corrugation(const Array &seen, const Array &cell, const Array &positions,
                  const Array &distances) {
  require_shape(seen, "seen_positions", 3);
  require_shape(positions, "positions", 3);
  require_length(distances, "distances", positions.shape(0));
  voxion::Corrugation waves(1.0);
  waves.update(view(seen), make_cell(cell, {true, true, false}));
  Array heights(positions.shape(0));
  for (py::ssize_t i = 0; i < positions.shape(0); ++i)
    heights.mutable_at(i) = waves.at(positions.data(i, 0), distances.at(i));
  return heights;
}

void check_contract(const std::string &text, const std::string &kind) {
  if (kind == voxion::surface_charges.name)
    voxion::parse_charge_contract(text, "contract");
  else if (kind == voxion::voxel_classifier.name)
    voxion::parse_classifier_contract(text, "contract");
  else
    throw voxion::Error("kind must be " + std::string(voxion::surface_charges.name) + " or " +
                        voxion::voxel_classifier.name + ", found " + kind);
}

// A model file run by the code that the engines run, method by method.
class Model {
 public:
  explicit Model(const std::string &path) : runner_(voxion::load_model(path, "cpu", 1)) {}

  bool has(const std::string &method) const { return runner_->has(method); }

  py::array_t<double> run(const std::string &method, const std::vector<Array> &inputs) {
    std::vector<voxion::ArrayView> views;
    for (const auto &input : inputs)
      views.push_back({input.data(), {input.shape(), input.shape() + input.ndim()}});
    const auto values = runner_->run(method, views);
    return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
  }

 private:
  std::unique_ptr<voxion::ModelRunner> runner_;
};

// One prediction as an engine makes it.
struct Prediction {
  Array charges;
  voxion::ChargeReport report;
};

class Predictor {
 public:
  Predictor(const std::string &path, const std::string &device, int threads)
      : Predictor(voxion::load_model(path, device, threads), path) {}

  const std::string &contract() const { return json_; }

  Prediction predict(const Array &sources, const Array &source_charges, const Array &surface,
                     const Array &cell, const std::array<bool, 3> &periodic,
                     std::optional<double> total, const std::optional<Array> &seen) {
    require_shape(sources, "source_positions", 3);
    require_length(source_charges, "source_charges", sources.shape(0));
    require_shape(surface, "surface_positions", 3);
    if (seen) require_shape(*seen, "seen_positions", 3);
    if (seen && seen->shape(0) != surface.shape(0))
      throw voxion::Error("seen_positions must have the shape of surface_positions");
    const auto &contract = predictor_.contract();
    if (!total) total = contract.total_charge;
    if (!total) throw voxion::Error("the model leaves the total charge open: give total_charge");
    voxion::check_surface(contract, static_cast<std::size_t>(surface.shape(0)));
    voxion::check_sources(contract, view(source_charges));
    Prediction result{Array(surface.shape(0)), {}};
    const std::span<double> charges{result.charges.mutable_data(),
                                    static_cast<std::size_t>(surface.shape(0))};
    result.report = predictor_.predict(view(sources), view(source_charges), view(surface),
                                       view(seen ? *seen : surface), make_cell(cell, periodic),
                                       *total, charges);
    return result;
  }

 private:
  Predictor(std::unique_ptr<voxion::ModelRunner> runner, const std::string &path)
      : json_(runner->contract_json()), predictor_(std::move(runner), path) {}

  std::string json_;
  voxion::WholePredictor predictor_;
};

// A classifier for grids of one kind, as a run uses it.
class Classifier {
 public:
  Classifier(const std::string &path, const std::vector<std::string> &channels,
             const std::array<int, 3> &shape)
      : channels_(channels.size()),
        shape_{shape[2], shape[1], shape[0]},
        classifier_(voxion::load_model(path, "cpu", 1), path, channels, shape_) {}

  std::vector<std::string> labels() const { return classifier_.contract().labels; }

  py::array_t<double> classify(
      const py::array_t<float, py::array::c_style | py::array::forcecast> &grid) {
    const std::array<py::ssize_t, 4> expected{static_cast<py::ssize_t>(channels_), shape_.nz,
                                              shape_.ny, shape_.nx};
    if (grid.ndim() != 4 || !std::equal(expected.begin(), expected.end(), grid.shape()))
      throw voxion::Error("grid must have the shape [channels, nz, ny, nx] of the classifier");
    voxion::VoxelFrame frame;
    frame.grid.assign(grid.data(), grid.data() + grid.size());
    for (std::size_t c = 0; c < channels_; ++c) {
      const auto first = frame.grid.begin() + static_cast<long>(c * shape_.size());
      const auto [low, high] = std::minmax_element(first, first + static_cast<long>(shape_.size()));
      frame.minimum.push_back(*low);
      frame.maximum.push_back(*high);
    }
    const auto probability = classifier_.classify(frame).probability;
    return py::array_t<double>(static_cast<py::ssize_t>(probability.size()), probability.data());
  }

 private:
  std::size_t channels_;
  voxion::VoxelShape shape_;
  voxion::VoxelClassifier classifier_;
};

// The jobs of a file as mdrun's kernel reads it, with its groups found in the index file.
py::dict read_jobs(const std::string &path, int atoms) {
  const auto jobs = voxion_gromacs::read_job_file(path);
  const voxion_gromacs::IndexFile index(jobs.index);
  py::list charges, classifiers;
  for (const auto &job : jobs.charges) {
    index.group(job.sources, atoms);
    for (const auto &electrode : job.electrodes) {
      index.group(electrode.group, atoms);
      charges.append(py::dict("group"_a = electrode.group, "model"_a = electrode.model,
                              "every"_a = job.every, "device"_a = job.device,
                              "potential"_a = electrode.potential.has_value()));
    }
  }
  for (const auto &job : jobs.voxels) {
    index.group(job.group, atoms);
    if (!job.classifier.empty()) classifiers.append(job.classifier);
  }
  return py::dict("pbc"_a = jobs.periodic[2] ? "xyz" : "xy", "charges"_a = charges,
                  "classifiers"_a = classifiers);
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.doc() = "Voxion's compiled core: the code that runs inside the engines.";

  py::register_exception_translator([](std::exception_ptr exception) {
    try {
      if (exception) std::rethrow_exception(exception);
    } catch (const voxion::Error &e) {
      const auto type = py::module_::import("voxion.errors").attr("VoxionError");
      PyErr_SetString(type.ptr(), e.what());
    }
  });

  module.def(
      "site_potentials", &site_potentials, "surface_positions"_a, "source_positions"_a,
      "source_charges"_a, "cell"_a, "periodic"_a, "widths"_a, "cutoff"_a,
      "largest_wave"_a = py::none(),
      "Smeared potentials of point charges at surface sites.\n\n"
      "phi[i, k] = sum_j q_j (erfc(a_k r)/r - erfc(a_k rc)/rc) over all sources and their\n"
      "periodic images within the cutoff; and the potential of the plane waves along x and y\n"
      "up to largest_wave, see docs/models.md.\n\n"
      "Parameters\n----------\n"
      "surface_positions : array, shape (M, 3), angstrom\n"
      "source_positions : array, shape (N, 3), angstrom\n"
      "source_charges : array, shape (N,), e\n"
      "cell : array, shape (3, 3), angstrom, rows are the lattice vectors\n"
      "periodic : three bools\n"
      "widths : list of K inverse widths a, 1/angstrom\n"
      "cutoff : rc, angstrom\n"
      "largest_wave : float, optional, 1/angstrom\n\n"
      "Returns\n-------\narray, shape (M, K) or, with waves, (M, K + 1), e/angstrom\n\n"
      "Raises\n------\nVoxionError\n    For wrong shapes, a flat cell, positions that are "
      "not finite, or waves in a\n    cell that does not repeat along x and y.\n");

  module.def("corrugation", &corrugation, "seen_positions"_a, "cell"_a, "positions"_a,
             "distances"_a,
             "Additional heights of atoms close to a face, for a corrugation of 1 angstrom.\n\n"
             "(1/N) sum_j sum_k exp(-k d) cos k.(r - r_j), see docs/constant_potential.md.\n\n"
             "Parameters\n----------\n"
             "seen_positions : array, shape (M, 3), angstrom\n"
             "    Nuclei of the electrode, with the depth behind its face for z.\n"
             "cell : array, shape (3, 3), angstrom, rows are the lattice vectors\n"
             "positions : array, shape (N, 3), angstrom\n"
             "distances : array, shape (N,), from the face, angstrom\n\n"
             "Returns\n-------\narray, shape (N,), angstrom\n");

  module.def("check_contract", &check_contract, "text"_a, "kind"_a,
             "Check the text of a voxion.json as the engines do.\n\n"
             "Parameters\n----------\n"
             "text : str or bytes\n"
             "kind : \"surface-charges\" or \"voxel-classifier\"\n\n"
             "Raises\n------\nVoxionError\n    If the text breaks a rule of the contract.\n");

  module.def("read_mdrun_jobs", &read_jobs, "path"_a, "atoms"_a,
             "Read a jobs file of voxion mdrun as its kernel does, and the groups it names.\n\n"
             "Parameters\n----------\n"
             "path : str\n"
             "atoms : int\n    Of the run input.\n\n"
             "Returns\n-------\n"
             "dict\n    pbc; charges, a list of group, model, every, device and potential of\n"
             "    each electrode; classifiers, the models of voxels jobs.\n\n"
             "Raises\n------\nVoxionError\n    The file, its index file or a group is wrong.\n");

  py::class_<Model>(module, "Model", "A model file run by the code that the engines run.")
      .def(py::init<const std::string &>(), "path"_a,
           "Raises\n------\nVoxionError\n    If the file is no model, or was made for another "
           "torch or processor.\n")
      .def("has", &Model::has, "method"_a, "True if the model has a method of this name.")
      .def("run", &Model::run, "method"_a, "inputs"_a,
           "Values that a method returns for float64 arrays, flattened.\n\n"
           "Raises\n------\nVoxionError\n    If the model fails.\n");

  py::class_<Prediction>(module, "Prediction", "Charges of one configuration.")
      .def_readonly("charges", &Prediction::charges, "Charges, shape (M,), e.")
      .def_property_readonly(
          "correction", [](const Prediction &p) { return p.report.correction; },
          "Charge that was spread evenly to reach the total, e.")
      .def_property_readonly(
          "residual", [](const Prediction &p) { return p.report.residual(); },
          "Sum before the correction minus the total, e.")
      .def_property_readonly(
          "outside_fraction", [](const Prediction &p) { return p.report.outside_fraction; },
          "Share of inputs outside the training range.");

  py::class_<Predictor>(module, "ChargePredictor",
                        "A surface-charges model run by the code that the engines run.")
      .def(py::init<const std::string &, const std::string &, int>(), "path"_a, "device"_a = "cpu",
           "threads"_a = 1)
      .def_property_readonly("contract", &Predictor::contract, "The model's voxion.json.")
      .def("predict", &Predictor::predict, "source_positions"_a, "source_charges"_a,
           "surface_positions"_a, "cell"_a, "periodic"_a, "total_charge"_a = py::none(),
           "seen_positions"_a = py::none(),
           "Predict the charges of one configuration.\n\n"
           "Arrays as in site_potentials, sources in ascending atom ID; total_charge (e) is the\n"
           "model's own by default. seen_positions are those that the model gets in place of\n"
           "surface_positions: for an electrode of a pair, with the depth behind its face for z.\n"
           "\nReturns\n-------\nPrediction\n\n"
           "Raises\n------\nVoxionError\n    If the model does not fit the input, fails, or gives "
           "a charge that is not finite.\n");

  py::class_<Classifier>(module, "VoxelClassifier",
                         "A voxel-classifier model run by the code that the engines run.")
      .def(py::init<const std::string &, const std::vector<std::string> &,
                    const std::array<int, 3> &>(),
           "path"_a, "channels"_a, "shape"_a,
           "Load a model for grids with these channels and this shape (nz, ny, nx).\n\n"
           "Raises\n------\nVoxionError\n    If the model lacks one of its channels or has another "
           "shape.\n")
      .def_property_readonly("labels", &Classifier::labels, "Names of the classes.")
      .def("classify", &Classifier::classify, "grid"_a,
           "Class probabilities, shape (K,), of a raw grid, shape (channels, nz, ny, nx).\n\n"
           "Raises\n------\nVoxionError\n    If the grid has another shape or a logit is not "
           "finite.\n");
}
