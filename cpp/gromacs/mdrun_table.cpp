// The exports of libvoxion_mdrun.so: the kernel behind PLUMED's interface. No exception passes.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "mdrun_kernel.h"
#include "plumed_abi.h"

using voxion_gromacs::MdrunKernel;

namespace {

void *create() { return new MdrunKernel; }

void finalize(void *kernel) { delete static_cast<MdrunKernel *>(kernel); }

void command(void *pointer, const char *key, PlumedPointer value, PlumedHandler handler) {
  auto *kernel = static_cast<MdrunKernel *>(pointer);
  try {
    kernel->command(key, value);
  } catch (const std::exception &e) {
    // mdrun ends at once: what it has buffered must reach its files
    std::fflush(nullptr);
    const std::string message = std::string("voxion: ") + e.what();
    if (kernel->in_rerun()) {
      // a rerun takes an error in a frame's forces for a bad frame and goes on
      std::fprintf(stderr, "\n%s\n", message.c_str());
      std::_Exit(EXIT_FAILURE);
    }
    handler.report(handler.context, voxion_gromacs::plumed_error_code, message.c_str(), nullptr);
  }
}

}  // namespace

extern "C" [[gnu::visibility("default")]] const PlumedSymbolTable voxion_mdrun_symbol_table;

const PlumedSymbolTable voxion_mdrun_symbol_table{voxion_gromacs::plumed_table_version,
                                                  create,
                                                  nullptr,
                                                  finalize,
                                                  nullptr,
                                                  nullptr,
                                                  command,
                                                  nullptr,
                                                  nullptr,
                                                  nullptr};
