// The zip archive that a model file is, listed and checked before anything in it is used.
// python/voxion/contract/archive.py checks the same rules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace voxion {

struct ArchiveEntry {
  std::string name;
  std::uint64_t size = 0;         // bytes, unpacked
  std::uint64_t packed_size = 0;  // bytes in the file
  std::uint32_t checksum = 0;     // CRC-32 of the unpacked bytes
  bool deflated = false;
};

// The entries of a zip archive. Throws Error unless the path is a regular file that is an archive
// as torch writes them: one folder, distinct names, stored or deflated entries that lie within the
// file and do not unpack to absurd sizes.
std::vector<ArchiveEntry> list_archive(const std::string &path);

// CRC-32 as zip archives have it.
std::uint32_t checksum(const void *data, std::size_t size);

}  // namespace voxion
