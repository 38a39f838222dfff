// Loading of PLUMED's kernel and handing on of calls.
#include "plumed_chain.h"

#include <dlfcn.h>

#include "error.hpp"

namespace voxion_gromacs {

using voxion::Error;

namespace {

constexpr std::size_t size_bits = 0xffff;

void report(void *context, int, const char *message, const void *) {
  *static_cast<std::string *>(context) = message;
}

}  // namespace

PlumedChain::~PlumedChain() {
  if (kernel_) table_->finalize(kernel_);
}

void PlumedChain::remember(const std::string &key, const PlumedPointer &value) {
  const char *data = static_cast<const char *>(value.data);
  const std::size_t size = data ? value.flags & size_bits : 0;
  remembered_.push_back({key, std::string(data, size), value.flags});
}

void PlumedChain::load(const PlumedSettings &settings) {
  // as GROMACS itself loads it
  void *library = dlopen(settings.kernel.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (!library)
    throw Error("PLUMED's kernel " + settings.kernel + " cannot be loaded: " + dlerror());
  table_ = static_cast<const PlumedSymbolTable *>(dlsym(library, "plumed_symbol_table"));
  if (!table_ || table_->version < plumed_table_version) {
    table_ = nullptr;
    throw Error(settings.kernel +
                " is no kernel of PLUMED 2.8 or later: it has no symbol table of "
                "version 3");
  }
  kernel_ = table_->create();
  for (const auto &value : remembered_)
    command(value.key,
            {value.bytes.empty() ? nullptr : value.bytes.data(), 0, nullptr, value.flags, nullptr});
  remembered_.clear();
}

void PlumedChain::command(const std::string &key, const PlumedPointer &value) {
  std::string problem;
  table_->command_safe_nothrow(kernel_, key.c_str(), value, {&problem, report});
  if (!problem.empty()) throw Error("PLUMED stopped at " + key + ": " + problem);
}

}  // namespace voxion_gromacs
