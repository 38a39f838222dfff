// A 64-bit FNV-1a hash, to tell one thing from another; no protection against forgery.
#pragma once

#include <cstdint>

namespace voxion {

template <typename Iterator>
std::uint64_t hash_bytes(Iterator first, Iterator last) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (; first != last; ++first)
    hash = (hash ^ static_cast<unsigned char>(*first)) * 0x100000001b3ULL;
  return hash;
}

}  // namespace voxion
