// Groups of atoms from a GROMACS index file (.ndx).
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace voxion_gromacs {

class IndexFile {
 public:
  // Throws Error, naming file and line, when it is not an index file.
  explicit IndexFile(const std::string &path);

  // The atoms of a group, from 0, ascending. Throws Error when there is no such group, when two
  // have that name, when it is empty, names an atom twice or one beyond `atoms`.
  std::vector<int> group(const std::string &name, int atoms) const;

 private:
  std::string path_;
  std::vector<std::pair<std::string, std::vector<int>>> groups_;  // atoms from 1, as in the file
};

}  // namespace voxion_gromacs
