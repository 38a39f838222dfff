// Zarr v3: metadata as JSON, chunks as raw little-endian bytes, one file each.
#include "voxel_store.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string_view>

#include "error.hpp"
#include "file_access.hpp"
#include "json_text.hpp"

namespace voxion {

static_assert(std::endian::native == std::endian::little, "chunks are written as they are");

namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr int format_version = 1;
constexpr const char *format_name = "voxion-voxels";
// Small arrays keep this many frames in a chunk, so that long runs do not leave a file for each.
constexpr std::size_t frames_in_chunk = 256;

std::string new_id() {
  static constexpr char digits[] = "0123456789abcdef";
  std::random_device source;
  std::string id;
  for (int i = 0; i < 32; ++i) id += digits[source() % 16];
  return id;
}

template <typename T>
Json names(const std::vector<VoxelChannel> &channels, T VoxelChannel::*member) {
  Json list = Json::array();
  for (const auto &channel : channels) list.push_back(channel.*member);
  return list;
}

Json attributes_of(const VoxelStoreHeader &header) {
  Json attributes{
      {"format", format_name},
      {"format_version", format_version},
      {"id", new_id()},
      {"engine", header.engine},
      {"voxion_version", header.voxion_version},
      {"unit_style", header.unit_style},
      {"group", header.group},
      {"window",
       {{"every", header.window.every},
        {"repeat", header.window.repeat},
        {"period", header.window.period}}},
      {"spread", header.spread},
      {"periodic", header.periodic},
  };
  if (header.classifier)
    attributes["classifier"] = {{"model", header.classifier->model},
                                {"hash", header.classifier->hash},
                                {"labels", header.classifier->labels}};
  return attributes;
}

Json array_metadata(const std::string &type, const std::vector<std::size_t> &row,
                    const std::vector<std::string> &dimensions, std::size_t frames_per_chunk,
                    const Json &fill, const Json &attributes) {
  std::vector<std::size_t> shape{0}, chunk{frames_per_chunk};
  shape.insert(shape.end(), row.begin(), row.end());
  chunk.insert(chunk.end(), row.begin(), row.end());
  return {
      {"shape", shape},
      {"data_type", type},
      {"chunk_grid", {{"name", "regular"}, {"configuration", {{"chunk_shape", chunk}}}}},
      {"chunk_key_encoding", {{"name", "default"}, {"configuration", {{"separator", "."}}}}},
      {"fill_value", fill},
      {"codecs", {{{"name", "bytes"}, {"configuration", {{"endian", "little"}}}}}},
      {"attributes", attributes},
      {"dimension_names", dimensions},
      {"zarr_format", 3},
      {"node_type", "array"},
      {"storage_transformers", Json::array()},
  };
}

}  // namespace

// The store's folder; complaints name the store.
class VoxelStore::Files {
 public:
  explicit Files(std::string root) : root_(std::move(root)) {
    while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
  }

  std::string path(const std::string &name) const { return root_ + "/" + name; }
  const std::string &root() const { return root_; }

  [[noreturn]] void fail(const std::string &problem) const {
    throw Error("voxel store " + root_ + ": " + problem);
  }
  template <typename Action>
  auto guarded(Action action) const {
    try {
      return action();
    } catch (const Error &e) {
      fail(e.what());
    } catch (const fs::filesystem_error &e) {
      fail(e.what());
    }
  }
  void write(const std::string &name, std::string_view bytes) const {
    guarded([&] { write_whole(path(name), bytes.data(), bytes.size()); });
  }
  void write_at(const std::string &name, std::size_t offset, std::string_view bytes) const {
    guarded([&] { voxion::write_at(path(name), offset, bytes.data(), bytes.size()); });
  }
  std::string read(const std::string &name) const {
    return guarded([&] { return read_whole(path(name)); });
  }
  void remove(const std::string &name) const {
    guarded([&] { fs::remove(path(name)); });
  }
  void hold() {
    guarded([&] { lock_ = std::make_unique<FolderLock>(root_); });
  }
  // Removes what a killed writer left under temporary names.
  void remove_leftovers(const std::string &folder) const {
    guarded([&] {
      for (const auto &entry : fs::directory_iterator(path(folder)))
        if (entry.path().extension() == ".partial") fs::remove(entry.path());
    });
  }

 private:
  std::string root_;
  std::unique_ptr<FolderLock> lock_;
};

struct VoxelStore::State {
  Json attributes;
  std::size_t frames = 0;
  std::vector<std::int64_t> steps;
};

// One array that grows by a row a frame. A chunk is made whole; its further rows are filled in
// where no reader looks yet, since the group's shape does not cover them.
class VoxelStore::Column {
 public:
  Column(const Files &files, std::string name, std::size_t row_bytes, std::size_t frames_per_chunk,
         Json metadata)
      : files_(files),
        name_(std::move(name)),
        row_bytes_(row_bytes),
        frames_per_chunk_(frames_per_chunk),
        metadata_(std::move(metadata)) {}

  const std::string &name() const { return name_; }
  const Json &metadata() const { return metadata_; }

  void put(std::size_t frame, const void *row) const {
    const std::size_t place = frame % frames_per_chunk_ * row_bytes_;
    const std::string_view bytes{static_cast<const char *>(row), row_bytes_};
    if (place > 0) return files_.write_at(key(frame), place, bytes);
    if (frames_per_chunk_ == 1) return files_.write(key(frame), bytes);
    std::string whole(frames_per_chunk_ * row_bytes_, '\0');
    whole.replace(0, row_bytes_, bytes);
    files_.write(key(frame), whole);
  }

  // The chunk that a frame lies in.
  std::string chunk(std::size_t frame) const {
    std::string bytes = files_.read(key(frame));
    if (bytes.size() != frames_per_chunk_ * row_bytes_)
      files_.fail(key(frame) + " is damaged: it has " + std::to_string(bytes.size()) +
                  " bytes instead of " + std::to_string(frames_per_chunk_ * row_bytes_));
    return bytes;
  }

  // Removes the chunk that begins with a frame.
  void remove(std::size_t frame) const {
    if (frame % frames_per_chunk_ == 0) files_.remove(key(frame));
  }

  void set_frames(std::size_t frames) { metadata_["shape"][0] = frames; }
  void write_metadata() const { files_.write(name_ + "/zarr.json", metadata_.dump(1)); }

 private:
  std::string key(std::size_t frame) const {
    std::string text = name_ + "/c." + std::to_string(frame / frames_per_chunk_);
    for (std::size_t d = 1; d < metadata_["shape"].size(); ++d) text += ".0";
    return text;
  }

  const Files &files_;
  std::string name_;
  std::size_t row_bytes_, frames_per_chunk_;
  Json metadata_;
};

std::string VoxelStoreHeader::definition() const {
  std::ostringstream text;
  text << group << ' ' << shape.text() << ' ' << spread << ' ' << window.every << ' '
       << window.repeat << ' ' << window.period;
  for (const auto &channel : channels) text << ' ' << channel.name;
  return text.str();
}

VoxelStore::VoxelStore(const std::string &path, const VoxelStoreHeader &header)
    : files_(std::make_unique<Files>(path)), state_(std::make_unique<State>()) {
  make_columns(header);
  if (!files_->guarded([&] { return fs::exists(fs::symlink_status(path)); })) create(header);
  if (!files_->guarded([&] { return fs::is_directory(path); })) refuse_other();
  files_->hold();
  open(header);
}

void VoxelStore::refuse_other() const {
  files_->fail("something else than a voxel store is there; give another name or remove it");
}

VoxelStore::~VoxelStore() {
  try {
    write_array_metadata();
  } catch (const Error &) {
    // the group's metadata have all frames; the next writer tries again
  }
}

std::size_t VoxelStore::frames() const { return state_->frames; }

std::optional<std::int64_t> VoxelStore::last_step() const {
  if (state_->steps.empty()) return std::nullopt;
  return state_->steps.back();
}

const std::string &VoxelStore::id() const {
  return state_->attributes["id"].get_ref<const std::string &>();
}

void VoxelStore::make_columns(const VoxelStoreHeader &header) {
  const auto add = [&](const std::string &name, const std::string &type, std::size_t size,
                       const std::vector<std::size_t> &row,
                       const std::vector<std::string> &row_dimensions, const Json &fill,
                       const Json &attributes, std::size_t frames_per_chunk = frames_in_chunk) {
    std::vector<std::string> dimensions{"frame"};
    dimensions.insert(dimensions.end(), row_dimensions.begin(), row_dimensions.end());
    for (auto extent : row) size *= extent;
    columns_.push_back(std::make_unique<Column>(
        *files_, name, size, frames_per_chunk,
        array_metadata(type, row, dimensions, frames_per_chunk, fill, attributes)));
  };
  const std::size_t channels = header.channels.size();
  const auto extent = [](int n) { return static_cast<std::size_t>(n); };
  const Json units = names(header.channels, &VoxelChannel::unit);
  add("grid", "float32", sizeof(float),
      {channels, extent(header.shape.nz), extent(header.shape.ny), extent(header.shape.nx)},
      {"channel", "z", "y", "x"}, "NaN",
      {{"channels", names(header.channels, &VoxelChannel::name)},
       {"units", units},
       {"coordinates", "step time"}},
      1);
  add("step", "int64", sizeof(std::int64_t), {}, {}, -1, Json::object());
  add("time", "float64", sizeof(double), {}, {}, "NaN", {{"units", header.time_unit}});
  add("box", "float64", sizeof(double), {3, 3}, {"vector", "component"}, "NaN",
      {{"units", header.length_unit}});
  add("origin", "float64", sizeof(double), {3}, {"component"}, "NaN",
      {{"units", header.length_unit}});
  add("minimum", "float32", sizeof(float), {channels}, {"channel"}, "NaN", {{"units", units}});
  add("maximum", "float32", sizeof(float), {channels}, {"channel"}, "NaN", {{"units", units}});
  if (header.classifier)
    add("probability", "float64", sizeof(double), {header.classifier->labels.size()}, {"class"},
        "NaN", {{"labels", header.classifier->labels}});
}

// Made under another name, so that a store is never seen half made.
void VoxelStore::create(const VoxelStoreHeader &header) {
  const std::string id = new_id();
  Files made(files_->root() + ".partial-" + id);
  files_->guarded([&] {
    try {
      fs::create_directory(made.root());
      for (const auto &column : columns_) {
        fs::create_directory(made.path(column->name()));
        made.write(column->name() + "/zarr.json", column->metadata().dump(1));
      }
      state_->attributes = attributes_of(header);
      made.write("zarr.json", group_metadata());
      fs::rename(made.root(), files_->root());
    } catch (...) {
      std::error_code ignored;
      fs::remove_all(made.root(), ignored);
      throw;
    }
  });
}

void VoxelStore::open(const VoxelStoreHeader &header) {
  if (!fs::exists(files_->path("zarr.json"))) refuse_other();
  const Json root = parse_json<Json>(files_->read("zarr.json"));
  const Json attributes = root.is_object() ? root.value("attributes", Json()) : Json();
  if (!attributes.is_object() || attributes.value("format", Json()) != format_name) refuse_other();
  state_->attributes = attributes;
  const Json &found = state_->attributes;
  if (found.value("format_version", Json()) != format_version)
    files_->fail("its format version is not the one that this voxion writes; give another name");
  if (found.value("packed", Json()) == true)
    files_->fail("it is packed and cannot grow; give another name");
  const auto same = [&](const std::string &what, const Json &old, const Json &now) {
    if (old != now)
      files_->fail("it was written with " + what + " " + shown(old) + ", this run has " +
                   shown(now) + "; give another file name or the same settings");
  };
  const Json own = attributes_of(header);
  for (const char *key : {"unit_style", "group", "window", "spread", "periodic", "classifier"})
    same(key, found.value(key, Json()), own.value(key, Json()));
  std::size_t frames = 0;
  try {
    const Json &metadata = root.at("consolidated_metadata").at("metadata");
    const Json &grid = metadata.at("grid"), &grid_now = columns_[0]->metadata();
    same("channels", grid.at("attributes").at("channels"),
         grid_now.at("attributes").at("channels"));
    same("units", grid.at("attributes").at("units"), grid_now.at("attributes").at("units"));
    const auto shape = [](const Json &array) {
      const auto extents = array.at("shape").get<std::vector<std::size_t>>();
      return std::vector<std::size_t>(extents.begin() + !extents.empty(), extents.end());
    };
    same("a grid (channels, nz, ny, nx) of", shape(grid), shape(grid_now));
    const Json &found_frames = grid.at("shape").at(0);
    if (!found_frames.is_number_unsigned() || !found.at("id").is_string())
      files_->fail("its zarr.json is damaged; give another name");
    frames = found_frames.get<std::size_t>();
  } catch (const Json::exception &) {
    files_->fail("its zarr.json is damaged; give another name");
  }
  state_->frames = frames;
  const Column &step = *columns_[1];
  for (std::size_t first = 0; first < frames; first += frames_in_chunk) {
    const std::string bytes = step.chunk(first);
    const std::size_t count = std::min(frames_in_chunk, frames - first);
    const auto at = state_->steps.size();
    state_->steps.resize(at + count);
    std::memcpy(&state_->steps[at], bytes.data(), count * sizeof(std::int64_t));
  }
  files_->remove_leftovers("");
  for (const auto &column : columns_) {
    files_->remove_leftovers(column->name());
    if (frames > 0) column->chunk(frames - 1);  // whole?
    column->set_frames(frames);
  }
  write_array_metadata();
}

// Readers that open an array alone look here. It is written when a store is opened and closed, not
// with every frame: replacing eight files takes longer than writing the grid.
void VoxelStore::write_array_metadata() const {
  for (const auto &column : columns_) column->write_metadata();
}

std::string VoxelStore::group_metadata() const {
  Json arrays = Json::object();
  for (const auto &column : columns_) arrays[column->name()] = column->metadata();
  return Json{{"attributes", state_->attributes},
              {"zarr_format", 3},
              {"node_type", "group"},
              {"consolidated_metadata",
               {{"kind", "inline"}, {"must_understand", false}, {"metadata", arrays}}}}
      .dump(1);
}

// The rename of the group's zarr.json is what makes a frame count.
void VoxelStore::commit(std::size_t frames) {
  for (const auto &column : columns_) column->set_frames(frames);
  files_->write("zarr.json", group_metadata());
  state_->frames = frames;
  state_->steps.resize(frames);
}

void VoxelStore::append(const VoxelFrame &frame) {
  if (last_step() && frame.step <= *last_step())
    files_->fail("it already has step " + std::to_string(*last_step()) + ", step " +
                 std::to_string(frame.step) + " does not come after it");
  std::vector<const void *> rows{frame.grid.data(),   &frame.step,         &frame.time,
                                 frame.box.data(),    frame.origin.data(), frame.minimum.data(),
                                 frame.maximum.data()};
  if (frame.classification) rows.push_back(frame.classification->probability.data());
  for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i]->put(state_->frames, rows[i]);
  state_->steps.resize(state_->frames);  // an append that failed may have left its step
  state_->steps.push_back(frame.step);
  commit(state_->frames + 1);
}

std::size_t VoxelStore::begin(std::int64_t step, const std::string &continued_id) {
  if (last_step() && *last_step() > step && id() != continued_id)
    files_->fail("it has frames up to step " + std::to_string(*last_step()) +
                 ", this run begins at step " + std::to_string(step) +
                 " and does not continue the one that wrote them; give another file name or "
                 "remove the store");
  return drop_after(step);
}

// Removes all frames beyond a step; returns how many.
std::size_t VoxelStore::drop_after(std::int64_t step) {
  const std::size_t before = state_->frames;
  std::size_t kept = before;
  while (kept > 0 && state_->steps[kept - 1] > step) --kept;
  if (kept == before) return 0;
  commit(kept);
  for (const auto &column : columns_)
    for (std::size_t frame = kept; frame < before; ++frame) column->remove(frame);
  return before - kept;
}

}  // namespace voxion
