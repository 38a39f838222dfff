// The main function of the tests, by Boost.Test; each executable runs all of its test cases.
#define BOOST_TEST_MODULE voxion
#include <boost/test/included/unit_test.hpp>
