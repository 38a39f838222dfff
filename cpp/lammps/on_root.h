// Work that rank 0 does alone, whose failure all ranks must hear of.
#pragma once

#include <mpi.h>

#include <exception>
#include <string>

namespace voxion_lammps {

inline void broadcast(std::string &text, MPI_Comm world) {
  int length = static_cast<int>(text.size());
  MPI_Bcast(&length, 1, MPI_INT, 0, world);
  text.resize(length);
  MPI_Bcast(text.data(), length, MPI_CHAR, 0, world);
}

// Runs `action` on rank 0; what it failed with, on all ranks, empty if it did not.
template <typename Action>
std::string failure_on_root(int rank, MPI_Comm world, Action action) {
  std::string problem;
  if (rank == 0) {
    try {
      action();
    } catch (const std::exception &e) {
      problem = e.what();
    }
  }
  broadcast(problem, world);
  return problem;
}

}  // namespace voxion_lammps
