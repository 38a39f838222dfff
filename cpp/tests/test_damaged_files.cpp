// Fuzzing: whatever a file holds, it is read or refused with an Error of one line. The sanitizers
// find what reads beyond a buffer or overflows; VOXION_FUZZ_CASES sets the number of cases.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <iostream>

#include "charge_contract.hpp"
#include "classifier_contract.hpp"
#include "damage.hpp"
#include "error.hpp"
#include "file_access.hpp"
#include "index_file.h"
#include "job_file.h"
#include "model_archive.hpp"
#include "radial_table.hpp"
#include "state_file.h"
#include "temporary_folder.hpp"
#include "voxel_store.hpp"

using namespace voxion;

namespace {

const std::string common = R"("contract_version": 1, "length_unit": "angstrom", "charge_unit": "e",
  "torch_version": "2.13.0", "voxion_version": "0.1.0",
  "data_hash": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",)";

const std::string potentials = "{" + common + R"(
  "kind": "surface-charges", "inputs": "site-potentials", "total_charge": null, "cell": null,
  "surface_atoms": null, "source_order": "ascending atom ID",
  "sources": [{"name": "Na", "charge": 1.0, "count": null}, {"name": "O", "charge": -0.8476}],
  "radial_functions": {"form": "erfc", "widths": [0.1, 0.3], "cutoff": 12.0},
  "total_charge_input": true, "input_ranges": {"min": [-1, -2], "max": [1, 2]}})";

const std::string positions = "{" + common + R"(
  "kind": "surface-charges", "inputs": "positions", "total_charge": -4.0,
  "cell": [[29, 0, 0], [0, 30, 0], [0, 0, 86]], "surface_atoms": 336,
  "source_order": "ascending atom ID",
  "sources": [{"name": "Na", "charge": 1.0, "count": 90}, {"name": "Cl", "charge": -1, "count": 86}],
  "input_ranges": {"min": [0, 0, 2], "max": [29, 30, 80]}})";

const std::string classifier = "{" + common + R"(
  "kind": "voxel-classifier", "channels": ["mass", "charge"], "channel_units": ["g", "e"],
  "grid": [32, 24, 16], "spread": "cic", "normalisation": "min-max",
  "labels": ["lamellar", "micelles"], "input_ranges": {"min": [0, -1], "max": [2, 1]}})";

const std::string jobs =
    "index my.ndx\npbc xy\n"
    "charge surface 10 model.pt threads 2 sources electrolyte range error output q.xvg\n"
    "voxels System 2 5 20 8 9 10 file grids.zarr channels mass kinetic_xx spread cic\n"
    "plumed plumed.dat kernel /opt/libplumedKernel.so\n";

const std::string groups = "[ System ]\n1 2 3 4 ; all\n[ two words ]\n   4\n2\n[ a ]\n1\n";

const std::string state =
    R"({"format": "voxion-mdrun-state", "version": 1, "checkpoints": [{"step": 30, "charges":
    [{"group": "s", "charges": [0.1, 0.2], "total": 0.3, "updated": true}], "voxels":
    [{"file": "f", "store": "id", "sums": [1, 2]}]}, {"step": 20, "charges": []}]})";

void must_answer(const std::string &what, const std::string &damaged,
                 const std::function<void()> &read, int &refused) {
  try {
    read();
  } catch (const Error &e) {
    ++refused;
    const std::string message = e.what();
    if (message.empty() || message.size() > 2000 || message.find('\n') != std::string::npos)
      BOOST_ERROR(what + ": a message that is not one short line: " + message);
  } catch (const std::exception &e) {
    BOOST_ERROR(what + ": " + e.what() + ", reading:\n" + damaged);
  }
}

// Reads damaged copies of a text.
void fuzz(const std::string &what, const std::string &good, int usual,
          const std::function<void(const std::string &)> &read) {
  read(good);
  const int count = damage::cases(usual);
  int refused = 0;
  damage::Damage damage(1);
  for (int n = 0; n < count; ++n) {
    const std::string damaged = damage(good);
    must_answer(what, damaged, [&] { read(damaged); }, refused);
  }
  std::cout << what << ": " << count << " damaged, " << refused << " refused\n";
  BOOST_CHECK(refused > count / 4);
}

// Reads damaged copies of a file.
void fuzz_file(const std::string &what, const std::string &good, int usual,
               const std::function<void(const std::string &)> &read) {
  const TemporaryFolder folder;
  const std::string path = folder.path("damaged");
  fuzz(what, good, usual, [&](const std::string &text) {
    write_whole(path, text.data(), text.size());
    read(path);
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(damaged_contracts) {
  for (const auto &good : {potentials, positions})
    fuzz("contract of charges", good, 10000, [](const std::string &text) {
      const auto contract = parse_charge_contract(text, "m.pt");
      if (contract.radial_functions) RadialTable(*contract.radial_functions);
    });
  fuzz("contract of a classifier", classifier, 10000,
       [](const std::string &text) { parse_classifier_contract(text, "m.pt"); });
}

BOOST_AUTO_TEST_CASE(damaged_jobs_files) {
  fuzz_file("jobs file", jobs, 5000, voxion_gromacs::read_job_file);
}

BOOST_AUTO_TEST_CASE(damaged_index_files) {
  fuzz_file("index file", groups, 5000,
            [](const std::string &path) { voxion_gromacs::IndexFile(path).group("System", 4); });
}

BOOST_AUTO_TEST_CASE(damaged_state_files) {
  fuzz_file("state file", state, 5000,
            [](const std::string &path) { voxion_gromacs::StateFile(path).open(30); });
}

BOOST_AUTO_TEST_CASE(damaged_stores) {
  const TemporaryFolder folder;
  VoxelStoreHeader header;
  header.engine = "engine";
  header.unit_style = "real";
  header.length_unit = "angstrom";
  header.time_unit = "fs";
  header.group = "all";
  header.window = {1, 5, 10};
  header.spread = "ngp";
  header.shape = {2, 3, 4};
  header.channels = {{"mass", "g/cm^3", {0}}};
  const std::string store = folder.path("run.zarr");
  VoxelStore(store, header).begin(0, "");
  const std::string metadata = store + "/zarr.json";
  fuzz("metadata of a store", read_whole(metadata), 3000, [&](const std::string &text) {
    write_whole(metadata, text.data(), text.size());
    VoxelStore(store, header);
  });
}

BOOST_AUTO_TEST_CASE(damaged_archives) {
  // one stored entry "m/a" of the text "hello"
  const std::string name("m/a");
  const auto numbers = [](std::initializer_list<std::pair<std::uint64_t, int>> values) {
    std::string bytes;
    for (auto [value, width] : values)
      for (int i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
    return bytes;
  };
  const auto crc = checksum("hello", 5);
  BOOST_CHECK(crc == 0x3610A686U);
  const std::string entry = "PK\x03\x04" +
                            numbers({{20, 2}, {0, 8}, {crc, 4}, {5, 4}, {5, 4}, {3, 2}, {0, 2}}) +
                            name + "hello";
  const std::string directory = "PK\x01\x02" +
                                numbers({{20, 2},
                                         {20, 2},
                                         {0, 8},
                                         {crc, 4},
                                         {5, 4},
                                         {5, 4},
                                         {3, 2},
                                         {0, 2},
                                         {0, 2},
                                         {0, 8},
                                         {0, 4}}) +
                                name;
  const std::string end =
      "PK\x05\x06" +
      numbers({{0, 4}, {1, 2}, {1, 2}, {directory.size(), 4}, {entry.size(), 4}, {0, 2}});
  fuzz_file("archive", entry + directory + end, 10000, [](const std::string &path) {
    for (const auto &found : list_archive(path))
      BOOST_CHECK(found.size <= (std::uint64_t{1} << 32));
  });
}
