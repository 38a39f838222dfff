// The file that mdrun loads as its PLUMED kernel. It does not link torch, so that it can say in
// words what does not fit; then it loads libvoxion_mdrun.so from its own folder and hands every
// call on.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "installed_torch.hpp"
#include "plumed_abi.h"

using voxion_gromacs::plumed_error_code;
using voxion_gromacs::plumed_table_version;

namespace {

// Either the kernel's own table or why there is none.
struct Loaded {
  const PlumedSymbolTable *table = nullptr;
  std::string problem;
};

Loaded load() {
  const std::string folder = voxion::folder_of(reinterpret_cast<const void *>(&load));
  Loaded loaded;
  loaded.problem =
      voxion::torch_misfit(folder + "/" VOXION_TORCH_FROM_PLUGIN, VOXION_TORCH_VERSION);
  if (!loaded.problem.empty()) return loaded;
  void *library = dlopen((folder + "/libvoxion_mdrun.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library)
    loaded.table =
        static_cast<const PlumedSymbolTable *>(dlsym(library, "voxion_mdrun_symbol_table"));
  if (!loaded.table) loaded.problem = dlerror();
  return loaded;
}

const Loaded &loaded() {
  static const Loaded once = load();
  return once;
}

void *create() {
  static int nothing;  // stands for the kernel that could not be loaded
  return loaded().table ? loaded().table->create() : &nothing;
}

void finalize(void *kernel) {
  if (loaded().table) loaded().table->finalize(kernel);
}

void command(void *kernel, const char *key, PlumedPointer value, PlumedHandler handler) {
  if (loaded().table) return loaded().table->command_safe_nothrow(kernel, key, value, handler);
  const std::string message = "voxion is not available: " + loaded().problem;
  handler.report(handler.context, plumed_error_code, message.c_str(), nullptr);
}

// GROMACS looks for this older way in as well, and calls the other.
void command_or_exit(void *kernel, const char *key, const void *data) {
  const auto report = [](void *, int, const char *message, const void *) {
    std::fprintf(stderr, "%s\n", message);
    std::exit(EXIT_FAILURE);
  };
  command(kernel, key, {data, 0, nullptr, 0, nullptr}, {nullptr, report});
}

}  // namespace

extern "C" [[gnu::visibility("default")]] const PlumedSymbolTable plumed_symbol_table;

const PlumedSymbolTable plumed_symbol_table{plumed_table_version,
                                            create,
                                            command_or_exit,
                                            finalize,
                                            nullptr,
                                            nullptr,
                                            command,
                                            nullptr,
                                            nullptr,
                                            nullptr};
