// The file that LAMMPS loads as a plugin. It links neither LAMMPS, MPI nor torch, so that it can
// say in words what does not fit before anything that depends on their versions is touched; then it
// loads libvoxion_lammps.so from its own folder. A LAMMPS without the package PLUGIN gets the fixes
// by voxion_register.
#include <dlfcn.h>

#include <array>
#include <string>

#include "fixes.h"
#include "installed_torch.hpp"

// LAMMPS's C library interface; the same in all versions.
extern "C" {
int lammps_version(void *handle);
int lammps_extract_setting(void *handle, const char *keyword);
void lammps_error(void *handle, int error_type, const char *error_text);
}

namespace {

constexpr int error_warning = 0;  // LMP_ERROR_WARNING of LAMMPS's library.h

// LAMMPS's plugin ABI (lammpsplugin.h is not among the installed headers).
struct LammpsPlugin {
  const char *version;
  const char *style;
  const char *name;
  const char *info;
  const char *author;
  VoxionFixFactory creator;
  void *handle;
};
using RegisterPlugin = void (*)(LammpsPlugin *, void *);

struct Style {
  const char *name, *factory, *info;
};
constexpr Style styles[] = {
    {"voxion/charge", "voxion_create_fix_charge",
     "surface charges predicted by a trained model, voxion " VOXION_VERSION},
    {"voxion/voxels", "voxion_create_fix_voxels",
     "voxel grids on the fly, recognised in the run, voxion " VOXION_VERSION},
};

// The sizes of LAMMPS's integers, by the name of the setting that its build took.
std::string integers_of(void *lammps) {
  const int tag = lammps_extract_setting(lammps, "tagint");
  const int big = lammps_extract_setting(lammps, "bigint");
  return tag == 8 ? "BIGBIG" : big == 8 ? "SMALLBIG" : "SMALLSMALL";
}

// What the MPI in this process says of itself; empty if it is not to be found.
std::string mpi_of_process() {
  using Ask = int (*)(char *, int *);
  const auto ask = reinterpret_cast<Ask>(dlsym(RTLD_DEFAULT, "MPI_Get_library_version"));
  if (!ask) return "";
  std::array<char, 8192> text{};  // MPI_MAX_LIBRARY_VERSION_STRING of all is less
  int length = 0;
  ask(text.data(), &length);
  const std::string found(text.data());
  return found.substr(0, found.find_first_of("\n,"));
}

// Kinds of MPI share an ABI, whatever their version.
std::string mpi_kind(const std::string &library) {
  const auto says = [&](const char *name) { return library.find(name) != std::string::npos; };
  if (says("Open MPI")) return "Open MPI";
  if (says("STUBS")) return "MPI STUBS";
  if (says("MPICH") || says("Intel(R) MPI") || says("MVAPICH")) return "MPICH";
  return "";
}

std::string built_for(const std::string &ours, const std::string &found) {
  return "voxion was built for a LAMMPS " + ours + ", this one " + found +
         "; install voxion for this one: pip install . -C cmake.define.VOXION_LAMMPS_PROGRAM=lmp";
}

// Why the fixes cannot be loaded; empty when all fits.
std::string misfit(void *lammps, const std::string &folder) {
  const int version = lammps_version(lammps);
  if (version != VOXION_LAMMPS_VERSION)
    return built_for("of version " + std::to_string(VOXION_LAMMPS_VERSION),
                     "is " + std::to_string(version));
  const std::string integers = integers_of(lammps);
  if (integers != VOXION_LAMMPS_INTEGERS)
    return built_for("with the integers " VOXION_LAMMPS_INTEGERS, "has " + integers);
  const std::string mpi = mpi_of_process();
  if (mpi_kind(mpi) != VOXION_LAMMPS_MPI)
    return built_for("with " VOXION_LAMMPS_MPI, "has " + (mpi.empty() ? "no MPI" : mpi));
  return voxion::torch_misfit(folder + "/" VOXION_TORCH_FROM_PLUGIN, VOXION_TORCH_VERSION);
}

void refuse(void *lammps, const std::string &reason) {
  const std::string text = "The voxion fixes are not available: " + reason;
  lammps_error(lammps, error_warning, text.c_str());
}

// The library with the fixes, or why there is none.
struct Loaded {
  void *library = nullptr;
  std::string problem;
};

Loaded load_fixes(void *lammps) {
  const std::string folder = voxion::folder_of(reinterpret_cast<const void *>(&load_fixes));
  Loaded loaded;
  loaded.problem = misfit(lammps, folder);
  if (!loaded.problem.empty()) return loaded;
  loaded.library = dlopen((folder + "/libvoxion_lammps.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!loaded.library) loaded.problem = dlerror();
  return loaded;
}

}  // namespace

extern "C" [[gnu::visibility("default")]] void lammpsplugin_init(void *lammps, void *handle,
                                                                 void *register_function) {
  const Loaded loaded = load_fixes(lammps);
  if (!loaded.library) return refuse(lammps, loaded.problem);
  const auto register_plugin = reinterpret_cast<RegisterPlugin>(register_function);
  for (const Style &style : styles) {
    LammpsPlugin plugin{};
    plugin.version = VOXION_LAMMPS_VERSION_TEXT;
    plugin.style = "fix";
    plugin.name = style.name;
    plugin.info = style.info;
    plugin.author = "the voxion developers";
    plugin.creator = reinterpret_cast<VoxionFixFactory>(dlsym(loaded.library, style.factory));
    plugin.handle = handle;
    register_plugin(&plugin, lammps);
  }
}

// Makes the fixes known to a LAMMPS without the package PLUGIN. Returns why it cannot, or an empty
// text; valid until the next call.
extern "C" [[gnu::visibility("default")]] const char *voxion_register(void *lammps) {
  static std::string problem;
  const Loaded loaded = load_fixes(lammps);
  problem = loaded.problem;
  if (!loaded.library) {
    refuse(lammps, problem);
    return problem.c_str();
  }
  const auto add = reinterpret_cast<VoxionAddFix>(dlsym(loaded.library, "voxion_add_fix"));
  for (const Style &style : styles)
    add(lammps, style.name,
        reinterpret_cast<VoxionFixFactory>(dlsym(loaded.library, style.factory)));
  return problem.c_str();
}
