// Checks by the files that an engine loads, before anything that links torch is loaded:
// where they lie, and which torch lies beside them. No torch header inside.
#pragma once

#include <dlfcn.h>

#include <fstream>
#include <string>

namespace voxion {

// The folder of the shared object that holds `symbol`.
inline std::string folder_of(const void *symbol) {
  Dl_info info;
  dladdr(symbol, &info);
  const std::string path = info.dli_fname;
  return path.substr(0, path.rfind('/'));
}

// The version that a torch package states; empty when there is none, as with a libtorch outside
// Python.
inline std::string installed_torch_version(const std::string &package) {
  std::ifstream file(package + "/version.py");
  const std::string key = "__version__ = '";
  for (std::string line; std::getline(file, line);)
    if (line.rfind(key, 0) == 0)
      return line.substr(key.size(), line.find_first_of("'+", key.size()) - key.size());
  return "";
}

// Why the torch package does not fit; empty when it does.
inline std::string torch_misfit(const std::string &package, const std::string &built_against) {
  const std::string found = installed_torch_version(package);
  if (found.empty() || found == built_against) return "";
  return "voxion was built against torch " + built_against + ", found torch " + found +
         "; install torch==" + built_against + " or build voxion again";
}

}  // namespace voxion
