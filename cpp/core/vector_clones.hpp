// Marks functions whose loops are worth the vector instructions of newer processors.
#pragma once

// One binary for all processors: such a function is compiled twice and the loader
// picks one.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__)
#define VOXION_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define VOXION_VECTOR_CLONES
#endif
