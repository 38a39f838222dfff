// Keyword range, and names of atoms in messages.
#include "error.hpp"
#include "messages.hpp"
#include "range_watch.hpp"

using namespace voxion;

BOOST_AUTO_TEST_CASE(a_run_is_warned_once_of_inputs_out_of_range) {
  RangeWatch watch(parse_range_check("warn"));
  BOOST_CHECK_EQUAL(watch.check(0.009, 10), "");
  BOOST_CHECK_EQUAL(watch.check(0.123, 20),
                    "12.3 % of the model's inputs at step 20 lie outside its training range; see "
                    "keyword range");
  BOOST_CHECK_EQUAL(watch.check(0.5, 30), "");
  watch.begin_run();
  BOOST_CHECK(!watch.check(0.5, 40).empty());
}

BOOST_AUTO_TEST_CASE(inputs_out_of_range_stop_a_run_or_are_ignored) {
  BOOST_CHECK_EXCEPTION(RangeWatch(parse_range_check("error")).check(1.0, 7), Error,
                        says("100.0 % of the model's inputs at step 7"));
  BOOST_CHECK_EQUAL(RangeWatch(parse_range_check("ignore")).check(1.0, 7), "");
  BOOST_CHECK_EXCEPTION(parse_range_check("loud"), Error,
                        says("must be warn, error or ignore, found loud"));
}

BOOST_AUTO_TEST_CASE(errors_name_their_atoms_as_the_engine_does) {
  const auto id = [](std::size_t index) { return "ID " + std::to_string(index + 1); };
  BOOST_CHECK_EQUAL(AtomError("too close", 4, 9).described(id, id),
                    "too close (surface atom ID 5, source atom ID 10)");
  BOOST_CHECK_EQUAL(AtomError("lost", std::nullopt, 9).described(id, id),
                    "lost (source atom ID 10)");
}
