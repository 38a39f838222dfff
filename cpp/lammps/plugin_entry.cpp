// The file that LAMMPS loads as a plugin. It links neither LAMMPS nor torch, so that it can say in
// words what does not fit before anything that depends on their versions is touched; then it loads
// libvoxion_lammps.so from its own folder.
#include <dlfcn.h>

#include <string>

#include "fixes.h"
#include "installed_torch.hpp"

// LAMMPS's C library interface; the same in all versions.
extern "C" {
int lammps_version(void *handle);
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

// Why the fixes cannot be loaded; empty when all fits.
std::string misfit(void *lammps, const std::string &folder) {
  const int version = lammps_version(lammps);
  if (version != VOXION_LAMMPS_VERSION)
    return "voxion was built against LAMMPS " + std::to_string(VOXION_LAMMPS_VERSION) +
           ", this is LAMMPS " + std::to_string(version) +
           "; install the matching lammps package or build voxion against this one";
  return voxion::torch_misfit(folder + "/" VOXION_TORCH_FROM_PLUGIN, VOXION_TORCH_VERSION);
}

void refuse(void *lammps, const std::string &reason) {
  const std::string text = "The voxion fixes are not available: " + reason;
  lammps_error(lammps, error_warning, text.c_str());
}

}  // namespace

extern "C" [[gnu::visibility("default")]] void lammpsplugin_init(void *lammps, void *handle,
                                                                 void *register_function) {
  const std::string folder = voxion::folder_of(reinterpret_cast<const void *>(&lammpsplugin_init));
  const std::string reason = misfit(lammps, folder);
  if (!reason.empty()) return refuse(lammps, reason);

  void *library = dlopen((folder + "/libvoxion_lammps.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return refuse(lammps, dlerror());
  const auto register_plugin = reinterpret_cast<RegisterPlugin>(register_function);
  for (const Style &style : styles) {
    LammpsPlugin plugin{};
    plugin.version = VOXION_LAMMPS_VERSION_TEXT;
    plugin.style = "fix";
    plugin.name = style.name;
    plugin.info = style.info;
    plugin.author = "the voxion developers";
    plugin.creator = reinterpret_cast<VoxionFixFactory>(dlsym(library, style.factory));
    plugin.handle = handle;
    register_plugin(&plugin, lammps);
  }
}
