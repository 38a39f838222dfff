// Expected texts of exceptions.
#pragma once

#include <boost/test/unit_test.hpp>
#include <exception>
#include <string>

// For BOOST_CHECK_EXCEPTION: the message contains `part`.
inline auto says(const std::string &part) {
  return [part](const std::exception &e) {
    const bool said = std::string(e.what()).find(part) != std::string::npos;
    if (!said) BOOST_TEST_MESSAGE("expected a message with '" << part << "', found: " << e.what());
    return said;
  };
}
