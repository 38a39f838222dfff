// The common part of the contracts of all kinds of models: `voxion.json` inside a TorchScript
// archive. python/voxion/contract/schema.py checks the same rules, with the same bounds.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace voxion {

inline constexpr int contract_version = 1;
inline constexpr const char *contract_file = "voxion.json";

// Bounds of what a contract may hold, far beyond any real model: a damaged or hostile file must
// not make its reader allocate or compute without end.
namespace limits {
inline constexpr std::size_t contract_bytes = std::size_t{1} << 20;
inline constexpr int depth = 32;                 // nested lists and objects
inline constexpr std::size_t name_length = 256;  // characters
inline constexpr std::size_t list_length = 1000;
inline constexpr std::size_t widths = 64;
inline constexpr double width = 100.0;          // 1/angstrom
inline constexpr double least_cutoff = 0.1;     // angstrom
inline constexpr double cutoff = 100.0;         // angstrom
inline constexpr double least_wave = 0.01;      // 1/angstrom
inline constexpr double wave = 10.0;            // 1/angstrom
inline constexpr double length = 1e6;           // angstrom, of a cell
inline constexpr double source_charge = 100.0;  // e
inline constexpr double total_charge = 1e6;     // e
inline constexpr double plane_offset = 100.0;   // angstrom
inline constexpr double corrugation = 10.0;     // angstrom
inline constexpr std::size_t layers = 100;
inline constexpr double depth_of_layer = 1000.0;  // angstrom
inline constexpr double between_layers = 0.5;     // angstrom, at least
inline constexpr long atoms = 100'000'000;
inline constexpr long voxels = 4096;                   // along one direction
inline constexpr std::size_t grid_values = 268435456;  // channels x voxels
inline constexpr double input = 1e30;
}  // namespace limits

// A kind of model, and the command that exports such models.
struct ModelKind {
  const char *name, *exporter;
};
inline constexpr ModelKind surface_charges{"surface-charges", "voxion charges export"};
inline constexpr ModelKind voxel_classifier{"voxel-classifier", "voxion voxels export"};

struct ContractCommon {
  std::string torch_version;
  std::string voxion_version;
  std::string data_hash;
};

// The smallest and largest value of each input in the training data.
struct InputRanges {
  std::vector<double> min, max;
};

}  // namespace voxion
