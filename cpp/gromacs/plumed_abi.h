// The interface by which mdrun talks to a PLUMED kernel (version 3 of its symbol table): what
// GROMACS calls, and what a kernel that is chained to is called by.
#pragma once

#include <cstddef>

extern "C" {

// A value that the engine hands over. The low 16 bits of `flags` are the size of an element.
struct PlumedPointer {
  const void *data;
  std::size_t count;  // 0 in GROMACS
  const std::size_t *shape;
  std::size_t flags;
  const void *opt;
};

// Where a failing call reports; exceptions do not pass.
struct PlumedHandler {
  void *context;
  void (*report)(void *context, int code, const char *message, const void *opt);
};

struct PlumedSymbolTable {
  int version;
  void *(*create)();
  void (*command)(void *, const char *, const void *);
  void (*finalize)(void *);
  void (*command_nothrow)(void *, const char *, const void *, PlumedHandler);
  void (*command_safe)(void *, const char *, PlumedPointer);
  void (*command_safe_nothrow)(void *, const char *, PlumedPointer, PlumedHandler);
  unsigned (*create_reference)(void *);
  unsigned (*delete_reference)(void *);
  unsigned (*use_count)(void *);
};
}

namespace voxion_gromacs {

inline constexpr int plumed_table_version = 3;
inline constexpr int plumed_error_code = 20200;  // a standard exception with a message

}  // namespace voxion_gromacs
