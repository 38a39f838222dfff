// Messages for the user: in voxion's log file, warnings on the terminal as well.
#pragma once

#include <cstdio>
#include <string>

#include "error.hpp"

namespace voxion_gromacs {

class MdrunLog {
 public:
  MdrunLog() = default;
  ~MdrunLog() {
    if (file_) std::fclose(file_);
  }
  MdrunLog(const MdrunLog &) = delete;
  MdrunLog &operator=(const MdrunLog &) = delete;

  // Goes on with the file that is there. Throws Error when it cannot be written.
  void open(const std::string &path) {
    file_ = std::fopen(path.c_str(), "a");
    if (!file_) throw voxion::Error(path + " cannot be written; may this folder be written to?");
  }
  void note(const std::string &text) const {
    if (!file_) return;
    std::fprintf(file_, "%s\n", text.c_str());
    std::fflush(file_);
  }
  void warn(const std::string &text) const {
    note("WARNING: " + text);
    std::fprintf(stderr, "\nvoxion: WARNING: %s\n", text.c_str());
  }

 private:
  std::FILE *file_ = nullptr;
};

// A few significant digits of a number.
inline std::string digits(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
}

}  // namespace voxion_gromacs
