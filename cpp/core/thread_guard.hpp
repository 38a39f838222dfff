// Keeps torch's thread count away from the host program.
#pragma once

namespace voxion {

// Torch and an MD engine in one process end up on one OpenMP runtime, where torch's thread count
// would become the engine's. While a guard lives torch uses `threads`; then the host's count is
// back.
class ThreadGuard {
 public:
  explicit ThreadGuard(int threads);
  ~ThreadGuard();
  ThreadGuard(const ThreadGuard &) = delete;
  ThreadGuard &operator=(const ThreadGuard &) = delete;

 private:
  int host_threads_;
};

}  // namespace voxion
