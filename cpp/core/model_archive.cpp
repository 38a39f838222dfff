// Reads the central directory of a zip archive, its 64-bit form included, which torch writes.
#include "model_archive.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>

#include "error.hpp"

namespace voxion {

namespace {

constexpr std::size_t most_entries = 100'000;
constexpr std::size_t directory_bytes = std::size_t{1} << 26;
// Limit for deflated entries, which are code: weights are stored as they are.
constexpr std::uint64_t unpacked_bytes = std::uint64_t{1} << 26;
constexpr std::size_t end_size = 22, locator_size = 20, end64_size = 56, header_size = 46;
// "PK" and two bytes, as a little-endian number
constexpr std::uint32_t header_mark = 0x02014B50, end64_mark = 0x06064B50,
                        locator_mark = 0x07064B50;
constexpr std::size_t comment_bytes = 65535;

[[noreturn]] void damaged(const std::string &what) { throw Error("it is damaged: " + what); }

// Little-endian numbers at places that are checked.
class Bytes {
 public:
  explicit Bytes(const std::string &content) : content_(content.begin(), content.end()) {}

  std::size_t size() const { return content_.size(); }
  std::uint64_t number(std::size_t at, int width) const {
    if (at > size() || size() - at < static_cast<std::size_t>(width)) damaged("it is cut off");
    std::uint64_t value = 0;
    for (int i = width - 1; i >= 0; --i)
      value = value << 8 | content_[at + static_cast<std::size_t>(i)];
    return value;
  }
  std::uint16_t half(std::size_t at) const { return static_cast<std::uint16_t>(number(at, 2)); }
  std::uint32_t word(std::size_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
  std::uint64_t twin(std::size_t at) const { return number(at, 8); }
  std::string text(std::size_t at, std::size_t length) const {
    if (at > size() || size() - at < length) damaged("it is cut off");
    return {content_.begin() + static_cast<long>(at),
            content_.begin() + static_cast<long>(at + length)};
  }
  bool has_mark(std::size_t at, std::uint32_t mark) const { return word(at) == mark; }

 private:
  std::vector<unsigned char> content_;
};

class Archive {
 public:
  explicit Archive(const std::string &path) : file_(path, std::ios::binary) {
    if (!file_) throw Error("it cannot be opened");
    file_.seekg(0, std::ios::end);
    size_ = static_cast<std::uint64_t>(file_.tellg());
  }

  std::vector<ArchiveEntry> entries() {
    find_directory();
    if (count_ < 1 || count_ > most_entries || directory_size_ > directory_bytes)
      damaged("its directory has an impossible size");
    const Bytes directory(read(directory_at_, directory_size_));
    std::vector<ArchiveEntry> found;
    std::size_t at = 0;
    for (std::uint64_t n = 0; n < count_; ++n) found.push_back(entry(directory, at));
    return found;
  }

 private:
  std::string read(std::uint64_t at, std::uint64_t length) {
    if (at > size_ || length > size_ - at) damaged("a part of it lies beyond its end");
    std::string content(length, '\0');
    file_.seekg(static_cast<std::streamoff>(at));
    file_.read(content.data(), static_cast<std::streamsize>(length));
    if (!file_) throw Error("it cannot be read");
    return content;
  }

  // The end record comes last, before a comment of any length.
  void find_directory() {
    const std::uint64_t tail_size = std::min<std::uint64_t>(size_, end_size + comment_bytes);
    const std::string tail = read(size_ - tail_size, tail_size);
    const auto found = tail.rfind("PK\x05\x06");
    if (found == std::string::npos || tail.size() - found < end_size)
      throw Error("it is no zip archive, or its end is missing");
    const Bytes end(tail.substr(found));
    count_ = end.half(10);
    directory_size_ = end.word(12);
    directory_at_ = end.word(16);
    const std::uint64_t end_at = size_ - tail_size + found;
    if (end_at >= locator_size) read_end64(end_at - locator_size);
  }

  void read_end64(std::uint64_t locator_at) {
    const Bytes locator(read(locator_at, locator_size));
    if (!locator.has_mark(0, locator_mark)) return;
    const Bytes end(read(locator.twin(8), end64_size));
    if (!end.has_mark(0, end64_mark)) damaged("its directory is not where it is said to be");
    count_ = end.twin(32);
    directory_size_ = end.twin(40);
    directory_at_ = end.twin(48);
  }

  ArchiveEntry entry(const Bytes &directory, std::size_t &at) {
    if (!directory.has_mark(at, header_mark)) damaged("its directory is not readable");
    const std::uint16_t flags = directory.half(at + 8), method = directory.half(at + 10);
    ArchiveEntry entry;
    entry.deflated = method == 8;
    entry.checksum = directory.word(at + 16);
    entry.packed_size = directory.word(at + 20);
    entry.size = directory.word(at + 24);
    const std::size_t name = directory.half(at + 28), extra = directory.half(at + 30);
    const std::size_t comment = directory.half(at + 32);
    std::uint64_t offset = directory.word(at + 42);
    entry.name = directory.text(at + header_size, name);
    read_extra(Bytes(directory.text(at + header_size + name, extra)), entry, offset);
    if ((flags & 1) || (method != 0 && method != 8))
      damaged("it has an entry that is neither stored nor deflated");
    if (offset > size_ || entry.packed_size > size_ - offset)
      damaged("an entry of it lies beyond its end");
    at += header_size + name + extra + comment;
    return entry;
  }

  // Values that need 64 bits stand in an extra field, in this order.
  static void read_extra(const Bytes &extra, ArchiveEntry &entry, std::uint64_t &offset) {
    for (std::size_t at = 0; at + 4 <= extra.size(); at += 4 + extra.half(at + 2)) {
      if (extra.half(at) != 1) continue;
      std::size_t next = at + 4;
      for (std::uint64_t *value : {&entry.size, &entry.packed_size, &offset}) {
        if (*value != 0xFFFFFFFF) continue;
        *value = extra.twin(next);
        next += 8;
      }
      return;
    }
  }

  std::ifstream file_;
  std::uint64_t size_ = 0, count_ = 0, directory_at_ = 0, directory_size_ = 0;
};

void check(const std::vector<ArchiveEntry> &entries) {
  std::set<std::string> names;
  std::uint64_t unpacked = 0;
  const std::string folder = entries[0].name.substr(0, entries[0].name.find('/') + 1);
  for (const auto &entry : entries) {
    if (folder.empty() || entry.name.rfind(folder, 0) != 0)
      damaged("its entries are not in one folder");
    if (!names.insert(entry.name).second) damaged("it has two entries of one name");
    if (!entry.deflated && entry.size != entry.packed_size)
      damaged("the sizes of an entry contradict each other");
    if (entry.deflated) unpacked += std::min(entry.size, unpacked_bytes + 1);
    if (unpacked > unpacked_bytes)
      throw Error("its packed entries unpack to more than " + std::to_string(unpacked_bytes >> 20) +
                  " MiB");
  }
}

std::array<std::uint32_t, 256> make_checksum_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit)
      table[i] = (table[i] >> 1) ^ (table[i] & 1 ? 0xEDB88320U : 0U);
  }
  return table;
}

}  // namespace

std::vector<ArchiveEntry> list_archive(const std::string &path) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(path, problem))
    throw Error(std::filesystem::exists(path, problem) ? "it is not a file" : "no such file");
  auto entries = Archive(path).entries();
  check(entries);
  return entries;
}

std::uint32_t checksum(const void *data, std::size_t size) {
  static const auto table = make_checksum_table();
  const auto *bytes = static_cast<const unsigned char *>(data);
  std::uint32_t value = 0xFFFFFFFFU;
  for (std::size_t i = 0; i < size; ++i) value = table[(value ^ bytes[i]) & 0xFF] ^ (value >> 8);
  return value ^ 0xFFFFFFFFU;
}

}  // namespace voxion
