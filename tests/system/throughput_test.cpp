#include "system/throughput.h"

#include <doctest/doctest.h>

#include "support/ticking_clock.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::system;
using namespace std::chrono_literals;
using fettle::test::TickingClock;
using fettle::test::Tree;

TEST_CASE("throughput: a directory is measured up to the bound in bytes, and no file is left in it") {
  Tree tree;
  tree.directory("/cache");
  const TickingClock clock(1ms);
  const auto speed = measure_directory(tree.files(), "/cache", {40_MiB, 1000s}, clock);
  REQUIRE_MESSAGE(speed, speed.error().said);
  CHECK(speed->write.size == 40_MiB);
  CHECK(speed->read.size == 40_MiB);
  // Each look at the clock takes a millisecond: three blocks, the looks around them, and the sync for the
  // writes.
  CHECK(speed->read.took == 4ms);
  CHECK(speed->write.took == 6ms);
  CHECK(speed->sync == 1ms);
  CHECK(tree.files().list("/cache")->empty());
}

TEST_CASE("throughput: a slow file system is left after the bound in time, with what was done by then") {
  Tree tree;
  tree.directory("/cache");
  const TickingClock clock(1s);
  const auto speed = measure_directory(tree.files(), "/cache", {1_GiB, 3s}, clock);
  REQUIRE_MESSAGE(speed, speed.error().said);
  CHECK(speed->write.size == 32_MiB);
  CHECK(speed->read.size == 32_MiB);
  CHECK(speed->sync == 1s);
}

TEST_CASE("throughput: a directory that is not there is an error with its name") {
  const Tree tree;
  const TickingClock clock(1ms);
  const auto speed = measure_directory(tree.files(), "/cache", {1_MiB, 1s}, clock);
  REQUIRE_FALSE(speed);
  CHECK(speed.error().said.find("'/cache'") != std::string::npos);
}

TEST_CASE("throughput: a device is read from its start, no further than it is long, and never written") {
  Tree tree;
  tree.sparse("/dev/drive", 20U << 20U);
  const TickingClock clock(1ms);
  CHECK(measure_device(tree.files(), "/dev/drive", 20_MiB, {1_GiB, 1000s}, clock)->size == 20_MiB);
  CHECK(measure_device(tree.files(), "/dev/drive", 20_MiB, {4_MiB, 1000s}, clock)->size == 4_MiB);
  // Shorter than the kernel said: what there was.
  CHECK(measure_device(tree.files(), "/dev/drive", 1_GiB, {1_GiB, 1000s}, clock)->size == 20_MiB);
  CHECK_FALSE(measure_device(tree.files(), "/dev/gone", 20_MiB, {1_GiB, 1000s}, clock));
  CHECK(tree.read("/dev/drive") == std::string(20U << 20U, '\0'));
}

TEST_CASE("throughput: a rate is what a second would bring; no time at all is not divided by") {
  CHECK(rate_of({100_MiB, 500ms}) == 200_MiB);
  CHECK(rate_of({Bytes{}, 0ms}) == Bytes{});
  CHECK(rate_of({1_MiB, 0ms}) == Bytes{1048576ULL * 1000000});
}
