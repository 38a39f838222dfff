// Reading of index files.
#include "index_file.h"

#include <algorithm>
#include <sstream>

#include "error.hpp"
#include "file_access.hpp"
#include "number_in.h"
#include "text.hpp"

namespace voxion_gromacs {

using voxion::Error;
using voxion::shortened;

namespace {

// The name in a line "[ name ]"; names may hold blanks.
std::string name_in(const std::string &line) {
  const auto begin = line.find_first_not_of(" \t", line.find('[') + 1);
  const auto end = line.find_last_not_of(" \t", line.find(']') - 1);
  return begin <= end ? line.substr(begin, end - begin + 1) : "";
}

}  // namespace

IndexFile::IndexFile(const std::string &path) : path_(path) {
  std::istringstream text(voxion::read_whole(path));
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    const auto fail = [&](const std::string &what) {
      throw Error(path + ", line " + std::to_string(number) + ": " + what);
    };
    line = line.substr(0, line.find(';'));
    if (line.find('[') != std::string::npos) {
      if (line.find(']') == std::string::npos) fail("expected [ group ]");
      groups_.emplace_back(name_in(line), std::vector<int>());
      continue;
    }
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      const auto atom = number_in<int>(word);
      if (!atom || *atom < 1)
        fail("expected a number of an atom, from 1, found " + shortened(word));
      if (groups_.empty()) fail("atoms before the first [ group ]");
      groups_.back().second.push_back(*atom);
    }
  }
}

std::vector<int> IndexFile::group(const std::string &name, int atoms) const {
  const std::string group = "group " + name;
  const auto named = [&](const auto &entry) { return entry.first == name; };
  const auto found = std::find_if(groups_.begin(), groups_.end(), named);
  if (found == groups_.end()) {
    std::string known;
    for (const auto &[other, members] : groups_) known += (known.empty() ? "" : ", ") + other;
    throw Error("there is no " + group + " in " + path_ + "; it has " + shortened(known, 500));
  }
  if (std::count_if(groups_.begin(), groups_.end(), named) > 1)
    throw Error(path_ + " has more than one " + group + "; give them different names");
  auto members = found->second;
  if (members.empty()) throw Error(group + " in " + path_ + " has no atoms");
  std::sort(members.begin(), members.end());
  const auto twice = std::adjacent_find(members.begin(), members.end());
  if (twice != members.end())
    throw Error(group + " in " + path_ + " names atom " + std::to_string(*twice) + " twice");
  if (members.back() > atoms)
    throw Error(group + " in " + path_ + " has atom " + std::to_string(members.back()) +
                ", the run has " + std::to_string(atoms) +
                "; make the index file from the run's own structure");
  for (int &atom : members) --atom;
  return members;
}

}  // namespace voxion_gromacs
