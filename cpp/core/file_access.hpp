// Writing and reading of files, with the system's reasons when it refuses.
#pragma once

#include <cstddef>
#include <string>

namespace voxion {

// Writes to a temporary name beside `path` and renames it. What was at `path` stays when this
// fails. Throws Error with the system's reason.
void write_whole(const std::string &path, const void *data, std::size_t size);

// Overwrites a part of an existing file. Throws Error with the system's reason.
void write_at(const std::string &path, std::size_t offset, const void *data, std::size_t size);

// The file's bytes. Throws Error when it cannot be read.
std::string read_whole(const std::string &path);

// Holds a folder against other writers, also of this process, until it is destroyed; the system
// lets go when a process is killed. On file systems without locks it holds nothing.
class FolderLock {
 public:
  // Throws Error when another writer holds the folder.
  explicit FolderLock(const std::string &folder);
  ~FolderLock();
  FolderLock(const FolderLock &) = delete;
  FolderLock &operator=(const FolderLock &) = delete;

 private:
  int descriptor_;
};

}  // namespace voxion
