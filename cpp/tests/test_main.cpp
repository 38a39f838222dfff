// Runs all tests of one executable and counts the failures.
#include "check.hpp"

int main() {
  for (const auto &test : check::tests()) {
    try {
      test.body();
    } catch (const std::exception &e) {
      check::report(false, test.name, 0, std::string("unexpected exception: ") + e.what());
    }
  }
  std::cout << check::tests().size() << " tests, " << check::failures << " failures\n";
  return check::failures == 0 ? 0 : 1;
}
