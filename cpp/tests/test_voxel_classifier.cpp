// Around a classifier: channels by name, normalisation, probabilities, refusals.
#include "voxel_classifier.hpp"

#include <cmath>

#include "error.hpp"
#include "messages.hpp"

using namespace voxion;

namespace {

const std::string contract = R"({
  "contract_version": 1, "kind": "voxel-classifier", "length_unit": "angstrom",
  "charge_unit": "e", "torch_version": "2.13.0", "voxion_version": "0.1.0",
  "data_hash": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
  "channels": ["charge", "mass"], "channel_units": ["", ""], "grid": [1, 1, 2],
  "normalisation": "min-max", "labels": ["a", "b"],
  "input_ranges": {"min": [0, 0], "max": [1, 1]}})";

// A backend that gives what the test wants to see: logits of its inputs.
class Backend : public ModelRunner {
 public:
  using Forward = std::function<std::vector<double>(const ArrayView &)>;
  explicit Backend(Forward forward) : forward_(std::move(forward)) {}
  const std::string &contract_json() const override { return contract; }
  bool has(const std::string &method) const override { return method == "forward"; }
  std::vector<double> run(const std::string &, const std::vector<ArrayView> &inputs) override {
    return forward_(inputs.at(0));
  }

 private:
  Forward forward_;
};

VoxelClassifier make(Backend::Forward forward,
                     std::vector<std::string> channels = {"mass", "charge"},
                     VoxelShape shape = {2, 1, 1}) {
  return {std::make_unique<Backend>(std::move(forward)), "m.pt", channels, shape};
}

}  // namespace

BOOST_AUTO_TEST_CASE(channels_are_picked_by_name_and_scaled_to_their_range) {
  auto classifier = make([](const ArrayView &x) {
    BOOST_CHECK(x.shape == (std::vector<std::int64_t>{1, 2, 1, 1, 2}));
    return std::vector<double>{x.data[0] + 10 * x.data[1], x.data[2] + 10 * x.data[3]};
  });
  VoxelFrame frame;
  frame.grid = {5, 5, 3, -1};  // mass is constant; charge goes from its largest to its smallest
  frame.minimum = {5, -1};
  frame.maximum = {5, 3};
  const auto result = classifier.classify(frame);  // logits: charge 1 + 0, mass 0
  BOOST_CHECK(result.label == 0);
  BOOST_CHECK_SMALL(result.probability[0] - (1 / (1 + std::exp(-1.0))), 1e-12);
  BOOST_CHECK_SMALL(result.confidence() + result.probability[1] - 1.0, 1e-12);
}

BOOST_AUTO_TEST_CASE(large_logits_stay_probabilities) {
  auto classifier = make([](const ArrayView &) { return std::vector<double>{-2000.0, 3000.0}; });
  VoxelFrame frame;
  frame.grid = {0, 1, 0, 1};
  frame.minimum = {0, 0};
  frame.maximum = {1, 1};
  const auto result = classifier.classify(frame);
  BOOST_CHECK(result.label == 1 && result.confidence() == 1.0);
}

BOOST_AUTO_TEST_CASE(models_that_do_not_fit_are_refused) {
  const auto two = [](const ArrayView &) { return std::vector<double>{0, 0}; };
  BOOST_CHECK_EXCEPTION(make(two, {"mass", "number"}), Error, says("needs channel charge"));
  BOOST_CHECK_EXCEPTION(make(two, {"mass", "charge"}, {4, 1, 1}), Error,
                        says("trained on grids of 2 x 1 x 1"));
  BOOST_CHECK_EXCEPTION(make([](const ArrayView &) { return std::vector<double>{0, 0, 0}; }), Error,
                        says("3 logits for the 2 labels"));
  BOOST_CHECK_EXCEPTION(
      make([](const ArrayView &) { return std::vector<double>{0, std::nan("")}; }), Error,
      says("not finite"));
}
