// A 64-bit FNV-1a hash, to tell one thing from another; no protection against forgery.
#pragma once

#include <cstdint>
#include <string>

namespace voxion {

template <typename Iterator>
std::uint64_t hash_bytes(Iterator first, Iterator last) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (; first != last; ++first)
    hash = (hash ^ static_cast<unsigned char>(*first)) * 0x100000001b3ULL;
  return hash;
}

inline std::uint64_t hash_text(const std::string &text) {
  return hash_bytes(text.begin(), text.end());
}

// The 16 hexadecimal digits of a hash, as files keep it.
std::string hexadecimal(std::uint64_t hash);

}  // namespace voxion
