// The kernel: takes mdrun's calls, gathers what a step needs, and lets the jobs do their work.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
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
  MdrunKernel();
  ~MdrunKernel();

  // One call of mdrun's: a key of PLUMED's interface and its value. Throws Error, after which
  // mdrun ends.
  void command(const std::string &key, const PlumedPointer &value);
  bool in_rerun() const { return options_.rerun; }

 private:
  void set_jobs_file(const char *path);
  void make_jobs();
  void set_box(const PlumedPointer &value);
  Reals reals(const PlumedPointer &value) const;
  double real(const PlumedPointer &value) const;
  void perform();
  void begin();
  const nlohmann::json *record_of(const nlohmann::json *checkpoint, const char *kind,
                                  const char *key, const std::string &name) const;
  void check_pair_search() const;
  void write_checkpoint();

  std::unordered_map<std::string, std::function<void(const PlumedPointer &)>> actions_;
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
