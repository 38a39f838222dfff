// The kernel: takes mdrun's calls, gathers what a step needs, and lets the jobs do their work.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "charge_job.h"
#include "index_file.h"
#include "job_file.h"
#include "mdrun_frame.h"
#include "mdrun_log.h"
#include "mdrun_options.h"
#include "plumed_abi.h"
#include "plumed_chain.h"
#include "state_file.h"
#include "voxel_job.h"

namespace voxion_gromacs {

class MdrunKernel {
 public:
  ~MdrunKernel();

  // One call of mdrun's: a key of PLUMED's interface and its value. Throws Error, after which
  // mdrun ends.
  void command(std::string_view key, const PlumedPointer &value);
  bool in_rerun() const { return options_.rerun; }

 private:
  struct Action {
    std::string_view key;
    void (*run)(MdrunKernel &, const PlumedPointer &);
  };
  static const Action actions_[];

  void set_jobs_file(const char *path);
  void make_jobs();
  void set_box(const PlumedPointer &value);
  Reals reals(const PlumedPointer &value) const;
  void perform();
  void begin();
  void check_common_atoms() const;
  const nlohmann::json *record_of(const nlohmann::json *checkpoint, const char *kind,
                                  const char *key, const std::string &name) const;
  void check_pair_search() const;
  void write_checkpoint();

  PlumedChain chain_;
  MdrunLog log_;
  JobFile jobs_;
  std::unique_ptr<IndexFile> index_;
  std::unique_ptr<StateFile> state_file_;
  std::vector<std::unique_ptr<ChargeJob>> charges_;
  std::vector<std::unique_ptr<VoxelJob>> voxels_;
  MdrunOptions options_;
  std::int64_t nstlist_ = 1;
  bool single_ = true, continued_ = false, begun_ = false;

  MdrunFrame frame_;
};

}  // namespace voxion_gromacs
