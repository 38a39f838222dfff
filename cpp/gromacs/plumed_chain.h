// A real PLUMED behind voxion: every call of mdrun's is handed on to its kernel.
#pragma once

#include <string>
#include <vector>

#include "job_file.h"
#include "plumed_abi.h"

namespace voxion_gromacs {

class PlumedChain {
 public:
  PlumedChain() = default;
  ~PlumedChain();
  PlumedChain(const PlumedChain &) = delete;
  PlumedChain &operator=(const PlumedChain &) = delete;

  bool loaded() const { return table_ != nullptr; }
  // Keeps a value for the kernel, which is not known before the jobs file is read.
  void remember(const std::string &key, const PlumedPointer &value);
  // Loads the kernel and gives it what was remembered and its input file. Throws Error.
  void load(const PlumedSettings &settings);
  // Throws Error with PLUMED's message when it fails.
  void command(const std::string &key, const PlumedPointer &value);

 private:
  struct Value {
    std::string key, bytes;
    std::size_t flags;
  };

  std::vector<Value> remembered_;
  const PlumedSymbolTable *table_ = nullptr;
  void *kernel_ = nullptr;
};

}  // namespace voxion_gromacs
