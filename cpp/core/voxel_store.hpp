// The store that frames of grids are written to: a Zarr v3 group that `xarray.open_zarr` opens.
// docs/voxel_store.md describes the layout.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "voxel_frame.hpp"
#include "voxel_window.hpp"

namespace voxion {

// Description of a store; a run that appends must have the same.
struct VoxelStoreHeader {
  struct Classifier {
    std::string model, hash;
    std::vector<std::string> labels;
  };

  std::string engine, voxion_version;  // may differ in a run that appends
  std::string unit_style, length_unit, time_unit;
  std::string group;
  VoxelWindow window;
  std::string spread;
  std::array<bool, 3> periodic{true, true, true};
  VoxelShape shape;
  std::vector<VoxelChannel> channels;
  std::optional<Classifier> classifier;

  // All that the sums of an open window depend on, in one line.
  std::string definition() const;
};

// A frame counts once the group's zarr.json, with the shapes of all arrays in its consolidated
// metadata, is renamed into place: a process killed at any moment leaves its finished frames and no
// other. All methods throw Error, naming the store, when the file system refuses.
class VoxelStore {
 public:
  // Opens the store at `path`, or makes an empty one. Throws Error when something else is there,
  // when the store differs from `header`, is damaged, packed, or being written by another run.
  VoxelStore(const std::string &path, const VoxelStoreHeader &header);
  ~VoxelStore();
  VoxelStore(const VoxelStore &) = delete;
  VoxelStore &operator=(const VoxelStore &) = delete;

  std::size_t frames() const;
  std::optional<std::int64_t> last_step() const;  // none in an empty store
  const std::string &id() const;                  // of this store alone, 32 hexadecimal digits

  // Adds a frame. Throws Error also when its step is not beyond the last one.
  void append(const VoxelFrame &frame);
  // Prepares for a run that begins at `step`. Frames beyond it are dropped if the run continues
  // the one that wrote this very store, else they are somebody's results: throws Error unless
  // `continued_id` is this store's. Returns how many were dropped.
  std::size_t begin(std::int64_t step, const std::string &continued_id);

 private:
  class Files;
  class Column;
  std::unique_ptr<Files> files_;
  std::vector<std::unique_ptr<Column>> columns_;

  void make_columns(const VoxelStoreHeader &header);
  void create(const VoxelStoreHeader &header);
  void open(const VoxelStoreHeader &header);
  [[noreturn]] void refuse_other() const;
  std::size_t drop_after(std::int64_t step);
  void commit(std::size_t frames);
  std::string group_metadata() const;
  void write_array_metadata() const;

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace voxion
