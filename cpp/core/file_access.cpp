// POSIX calls, since the standard streams do not tell why they failed.
#include "file_access.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "error.hpp"

namespace voxion {

namespace {

[[noreturn]] void fail(const std::string &action, const std::string &path, int code) {
  throw Error("cannot " + action + " " + path + ": " + std::strerror(code));
}

// Writes all bytes; the code of the error, 0 when it worked.
int write_all(int descriptor, const char *data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return 0;
}

}  // namespace

void write_whole(const std::string &path, const void *data, std::size_t size) {
  const std::string temporary = path + ".partial";
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) fail("write", path, errno);
  int code = write_all(descriptor, static_cast<const char *>(data), size);
  if (::close(descriptor) != 0 && code == 0) code = errno;  // some file systems report here
  if (code == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) code = errno;
  if (code != 0) {
    ::unlink(temporary.c_str());
    fail("write", path, code);
  }
}

void write_at(const std::string &path, std::size_t offset, const void *data, std::size_t size) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) fail("write", path, errno);
  int code = ::lseek(descriptor, static_cast<off_t>(offset), SEEK_SET) < 0 ? errno : 0;
  if (code == 0) code = write_all(descriptor, static_cast<const char *>(data), size);
  if (::close(descriptor) != 0 && code == 0) code = errno;
  if (code != 0) fail("write", path, code);
}

std::string read_whole(const std::string &path) {
  // not blocking, so that a pipe without a writer is refused and not waited for
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail("read", path, errno);
  struct stat status{};
  if (::fstat(descriptor, &status) == 0 && !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    throw Error("cannot read " + path + ": it is not a regular file");
  }
  std::string content;
  char block[65536];
  for (;;) {
    const ssize_t got = ::read(descriptor, block, sizeof(block));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int code = errno;
      ::close(descriptor);
      fail("read", path, code);
    }
    if (got == 0) break;
    content.append(block, static_cast<std::size_t>(got));
  }
  ::close(descriptor);
  return content;
}

FolderLock::FolderLock(const std::string &folder)
    : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (descriptor_ < 0) fail("open", folder, errno);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(descriptor_);
  throw Error("it is being written by another fix or another run");
}

FolderLock::~FolderLock() { ::close(descriptor_); }

}  // namespace voxion
