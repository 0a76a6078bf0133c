#include "app/pace.h"

#include <doctest/doctest.h>

using namespace fettle::app;

TEST_CASE("pace: a check that flaps is told some times a minute, and how it ends is told in any case") {
  Pace pace;
  const auto at = [](int seconds) {
    return std::chrono::steady_clock::time_point(std::chrono::seconds(seconds));
  };
  for (unsigned i = 0; i < changes_told; ++i)
    CHECK(pace.may_tell("gpu.pcie", at(static_cast<int>(i))) == Pace::May::tell);
  for (int second = 10; second < 60; ++second)
    CHECK(pace.may_tell("gpu.pcie", at(second)) == Pace::May::hold);
  CHECK(pace.may_tell("gpu.count", at(59)) == Pace::May::tell);  // others are not held for it
  CHECK(pace.may_tell("gpu.pcie", at(60)) == Pace::May::tell_after_a_rest);
  CHECK(pace.may_tell("gpu.pcie", at(61)) == Pace::May::tell);
}

TEST_CASE("pace: who changes now and then is never held") {
  Pace pace;
  for (int i = 0; i < 100; ++i) {
    const auto now = std::chrono::steady_clock::time_point(std::chrono::seconds(i * 15));
    CHECK(pace.may_tell("shelf.tiny", now) == Pace::May::tell);
  }
}
