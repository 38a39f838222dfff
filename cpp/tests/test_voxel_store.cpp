// The store on disk: growing, reopening, dropping frames, and what is refused.
#include "voxel_store.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>

#include "error.hpp"
#include "file_access.hpp"
#include "messages.hpp"

using namespace voxion;
namespace fs = std::filesystem;

namespace {

// A name in a fresh folder, which is removed at the end.
class Place {
 public:
  explicit Place(const std::string &name)
      : folder_(fs::temp_directory_path() / ("voxion_store_" + name)) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Place() { fs::remove_all(folder_); }
  std::string path() const { return (folder_ / "run.zarr").string(); }

 private:
  fs::path folder_;
};

VoxelStoreHeader header() {
  VoxelStoreHeader header;
  header.engine = "engine";
  header.unit_style = "real";
  header.length_unit = "angstrom";
  header.time_unit = "fs";
  header.group = "all";
  header.window = {1, 5, 10};
  header.spread = "ngp";
  header.shape = {2, 3, 4};
  header.channels = {{"mass", "g/cm^3", {0}}, {"charge", "e/angstrom^3", {1}}};
  return header;
}

VoxelFrame frame_at(std::int64_t step) {
  VoxelFrame frame;
  frame.step = step;
  frame.time = 0.5 * static_cast<double>(step);
  frame.box = {{{1, 0, 0}, {0, 2, 0}, {0, 0, 3}}};
  for (int v = 0; v < 48; ++v) frame.grid.push_back(static_cast<float>(step) + 0.25f * v);
  frame.minimum = {frame.grid[0], frame.grid[24]};
  frame.maximum = {frame.grid[23], frame.grid[47]};
  return frame;
}

std::vector<float> stored_grid(const std::string &path, std::size_t frame) {
  const auto bytes = read_whole(path + "/grid/c." + std::to_string(frame) + ".0.0.0.0");
  std::vector<float> grid(bytes.size() / sizeof(float));
  std::memcpy(grid.data(), bytes.data(), bytes.size());
  return grid;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_store_grows_over_several_openings) {
  const Place place("grow");
  std::string id;
  // past the end of a chunk of small arrays, closed in the middle of one
  for (std::int64_t first : {0, 100, 256, 400}) {
    VoxelStore store(place.path(), header());
    if (first > 0) BOOST_CHECK(store.last_step() == 10 * first);
    if (first > 0) BOOST_CHECK(store.id() == id);
    id = store.id();
    const std::int64_t last = first == 0 ? 100 : first == 100 ? 256 : first == 256 ? 400 : 410;
    for (std::int64_t n = first; n < last; ++n) store.append(frame_at(10 * (n + 1)));
  }
  VoxelStore store(place.path(), header());
  BOOST_CHECK(store.frames() == 410 && store.last_step() == 4100);
  for (std::size_t n : {0u, 99u, 100u, 255u, 256u, 409u})
    BOOST_CHECK(stored_grid(place.path(), n) == frame_at(10 * (n + 1)).grid);
  const auto steps = read_whole(place.path() + "/step/c.1");
  BOOST_CHECK(steps.size() == 256 * sizeof(std::int64_t));
  std::int64_t step = 0;
  std::memcpy(&step, steps.data() + 153 * sizeof(step), sizeof(step));
  BOOST_CHECK(step == 4100);
}

BOOST_AUTO_TEST_CASE(frames_of_a_future_that_is_run_again_are_dropped) {
  const Place place("drop");
  VoxelStore store(place.path(), header());
  for (std::int64_t n = 1; n <= 300; ++n) store.append(frame_at(n));
  BOOST_CHECK(store.begin(300, "") == 0);
  BOOST_CHECK_EXCEPTION(store.begin(299, ""), Error,
                        says("has frames up to step 300, this run begins at step 299"));
  BOOST_CHECK(store.begin(200, store.id()) == 100);
  BOOST_CHECK(store.frames() == 200 && store.last_step() == 200);
  BOOST_CHECK(!fs::exists(place.path() + "/grid/c.200.0.0.0.0"));
  store.append(frame_at(222));
  BOOST_CHECK(store.frames() == 201 && store.last_step() == 222);
  BOOST_CHECK(stored_grid(place.path(), 200) == frame_at(222).grid);
  BOOST_CHECK(store.begin(-1, store.id()) == 201);
  BOOST_CHECK(!store.last_step());
}

BOOST_AUTO_TEST_CASE(a_frame_that_was_not_committed_does_not_count) {
  const Place place("killed");
  {
    VoxelStore(place.path(), header()).append(frame_at(1));
  }
  std::ofstream(place.path() + "/grid/c.1.0.0.0.0") << "rest of a killed run";
  std::ofstream(place.path() + "/grid/c.7.0.0.0.0.partial") << "another";
  VoxelStore store(place.path(), header());
  BOOST_CHECK(!fs::exists(place.path() + "/grid/c.7.0.0.0.0.partial"));
  BOOST_CHECK(store.frames() == 1);
  store.append(frame_at(2));
  BOOST_CHECK(stored_grid(place.path(), 1) == frame_at(2).grid);
}

BOOST_AUTO_TEST_CASE(steps_only_grow) {
  const Place place("steps");
  VoxelStore store(place.path(), header());
  store.append(frame_at(10));
  BOOST_CHECK_EXCEPTION(store.append(frame_at(10)), Error, says("already has step 10"));
  BOOST_CHECK(store.frames() == 1);
}

BOOST_AUTO_TEST_CASE(a_store_that_differs_is_refused) {
  const Place place("other");
  {
    VoxelStore(place.path(), header()).append(frame_at(1));
  }
  const auto refused = [&](auto change, const char *part) {
    auto other = header();
    change(other);
    BOOST_CHECK_EXCEPTION(VoxelStore(place.path(), other), Error, says(part));
  };
  refused([](auto &h) { h.shape = {2, 3, 5}; }, "a grid (channels, nz, ny, nx) of [2,4,3,2]");
  refused([](auto &h) { h.channels[1].name = "number"; }, "channels [\"mass\",\"charge\"]");
  refused([](auto &h) { h.channels.pop_back(); }, "channels");
  refused([](auto &h) { h.channels[0].unit = "kg/m^3"; }, "units");
  refused([](auto &h) { h.window.repeat = 6; }, "window");
  refused([](auto &h) { h.group = "water"; }, "group");
  refused([](auto &h) { h.unit_style = "metal"; }, "unit_style");
  refused([](auto &h) { h.periodic[2] = false; }, "periodic");
  refused([](auto &h) { h.classifier.emplace(); }, "classifier");
  VoxelStore(place.path(), header());  // the refusals changed nothing
}

BOOST_AUTO_TEST_CASE(what_is_no_store_is_refused) {
  const Place place("foreign");
  fs::create_directory(place.path());
  BOOST_CHECK_EXCEPTION(VoxelStore(place.path(), header()), Error, says("something else"));
  std::ofstream(place.path() + "/zarr.json") << "{\"attributes\": {\"format\": \"other\"}}";
  BOOST_CHECK_EXCEPTION(VoxelStore(place.path(), header()), Error, says("something else"));
  for (const char *text : {"{\"attributes\": {\"format\": 3}}", "{\"attributes\": [1]}", "[]"}) {
    std::ofstream(place.path() + "/zarr.json") << text;
    BOOST_CHECK_EXCEPTION(VoxelStore(place.path(), header()), Error, says("something else"));
  }
  std::ofstream(place.path() + "/zarr.json") << "not json";
  BOOST_CHECK_EXCEPTION(VoxelStore(place.path(), header()), Error, says(place.path()));
  fs::remove_all(place.path());
  std::ofstream(place.path()) << "a file";
  BOOST_CHECK_EXCEPTION(VoxelStore(place.path(), header()), Error, says(place.path()));
  BOOST_CHECK_EXCEPTION(VoxelStore("/nowhere/run.zarr", header()), Error,
                        says("/nowhere/run.zarr"));
}

BOOST_AUTO_TEST_CASE(damaged_stores_are_refused) {
  const Place place("damaged");
  {
    VoxelStore store(place.path(), header());
    for (std::int64_t n = 1; n <= 3; ++n) store.append(frame_at(n));
  }
  const auto chunk = place.path() + "/grid/c.2.0.0.0.0";
  fs::resize_file(chunk, 17);
  BOOST_CHECK_EXCEPTION(VoxelStore(place.path(), header()), Error,
                        says("is damaged: it has 17 bytes"));
  fs::remove(chunk);
  BOOST_CHECK_EXCEPTION(VoxelStore(place.path(), header()), Error, says("cannot read"));
}

BOOST_AUTO_TEST_CASE(a_store_has_one_writer) {
  const Place place("locked");
  const VoxelStore first(place.path(), header());
  BOOST_CHECK_EXCEPTION(VoxelStore(place.path(), header()), Error,
                        says("being written by another"));
}
