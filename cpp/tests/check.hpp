// The few macros that the C++ tests need: named tests, checks that count, expected exceptions.
#pragma once

#include <cmath>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace check {

struct Test {
  const char *name;
  std::function<void()> body;
};

inline std::vector<Test> &tests() {
  static std::vector<Test> all;
  return all;
}

inline int failures = 0;

struct Registration {
  Registration(const char *name, std::function<void()> body) {
    tests().push_back({name, std::move(body)});
  }
};

inline void report(bool passed, const char *file, int line, const std::string &what) {
  if (passed) return;
  ++failures;
  std::cerr << file << ":" << line << ": failed: " << what << "\n";
}

}  // namespace check

#define TEST(name)                                               \
  static void name();                                            \
  static const check::Registration register_##name(#name, name); \
  static void name()

#undef CHECK  // torch's logging defines one
#define CHECK(condition) check::report((condition), __FILE__, __LINE__, #condition)

#define CHECK_NEAR(a, b, tolerance)                                     \
  check::report(std::abs((a) - (b)) <= (tolerance), __FILE__, __LINE__, \
                std::string(#a " near " #b ": ") + std::to_string(a) + ", " + std::to_string(b))

// The expression throws Type and its message contains `part`.
#define CHECK_THROWS(expression, Type, part)                                                   \
  do {                                                                                         \
    bool thrown = false;                                                                       \
    try {                                                                                      \
      (void)(expression);                                                                      \
    } catch (const Type &e) {                                                                  \
      thrown = true;                                                                           \
      check::report(std::string(e.what()).find(part) != std::string::npos, __FILE__, __LINE__, \
                    std::string("message has '") + (part) + "': " + e.what());                 \
    }                                                                                          \
    check::report(thrown, __FILE__, __LINE__, #expression " throws " #Type);                   \
  } while (false)
