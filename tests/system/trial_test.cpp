// What the children of the collector do: write-back, a drive's health log and reads, the use of a directory.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/fakes.h"
#include "support/tree.h"
#include "system/drive.h"
#include "system/usage.h"
#include "system/write_back.h"

using namespace fettle;
using namespace fettle::system;
using fettle::test::FakeClock;
using fettle::test::Tree;

TEST_CASE("write-back: what was written comes back, again and again into the same file") {
  Tree tree;
  tree.directory("/cache");
  FakeClock clock;
  const auto first = write_and_read_back(tree.files(), "/cache/trial", 4_MiB, clock);
  REQUIRE(first);
  CHECK(first->size == 4_MiB);
  const std::string before = tree.read("/cache/trial");
  CHECK(before.size() == (4U << 20U));
  REQUIRE(write_and_read_back(tree.files(), "/cache/trial", 4_MiB, clock));
  CHECK(tree.read("/cache/trial") != before);
  CHECK(tree.files().look("/cache/trial")->mode == 0600);
  CHECK(write_and_read_back(tree.files(), "/cache/odd", {5000}, clock)->size.count == 8192);
}

TEST_CASE("write-back: links, nothing, too much and a place that is not there are refused") {
  Tree tree;
  tree.file("/cache/precious", "data").link("/cache/trial", "precious");
  FakeClock clock;
  CHECK_FALSE(write_and_read_back(tree.files(), "/cache/trial", 1_MiB, clock));
  CHECK(tree.read("/cache/precious") == "data");
  CHECK(write_and_read_back(tree.files(), "/cache/new", {0}, clock).error().why == Why::refused);
  CHECK(write_and_read_back(tree.files(), "/cache/new", 65_MiB, clock).error().why == Why::refused);
  CHECK(write_and_read_back(tree.files(), "/none/new", 1_MiB, clock).error().why == Why::missing);
  CHECK(write_and_read_back(tree.files(), "/cache", 1_MiB, clock).error().said.find("'/cache'") !=
        std::string::npos);
}

TEST_CASE("drive: the health log is read at the places of the specification") {
  std::string page(512, '\0');
  page[0] = 0x15;                     // spare, reliability, backup
  page[1] = static_cast<char>(0x3B);  // 315 K, little endian
  page[2] = 0x01;
  page[3] = 99;
  page[4] = 10;
  page[5] = static_cast<char>(255);
  page[48] = 2;  // written, thousands of 512 bytes
  page[128] = 7;
  page[144] = 5;
  page[160] = 3;
  const auto smart = parse_smart(page);
  REQUIRE(smart);
  CHECK(smart->critical_warning ==
        (static_cast<unsigned>(SmartBit::spare) | static_cast<unsigned>(SmartBit::reliability) |
         static_cast<unsigned>(SmartBit::backup)));
  CHECK(smart->temperature_celsius == 42);
  CHECK(smart->spare_percent == 99);
  CHECK(smart->spare_threshold_percent == 10);
  CHECK(smart->used_percent == 255);
  CHECK(smart->written.count == 1024000);
  CHECK(smart->power_on_hours == 7);
  CHECK(smart->unsafe_shutdowns == 5);
  CHECK(smart->media_errors == 3);
  page[168] = 1;  // 2^64 more
  CHECK(parse_smart(page)->media_errors == 0xFFFFFFFFFFFFFFFFULL);
  CHECK_FALSE(parse_smart(page.substr(1)));
  CHECK_FALSE(parse_smart({}));
}

TEST_CASE("drive: reads are timed over the whole device, and a short one is an error") {
  Tree tree;
  tree.sparse("/dev/drive", 64U << 20U);
  FakeClock clock;
  const auto reads = time_reads(tree.files(), "/dev/drive", 64_MiB, clock);
  REQUIRE(reads);
  CHECK(reads->count == 64);
  CHECK(reads->size == 128_KiB);
  CHECK_FALSE(time_reads(tree.files(), "/dev/drive", 128_MiB, clock));  // it ends before that
  CHECK(time_reads(tree.files(), "/dev/drive", 1_KiB, clock).error().why == Why::refused);
  CHECK_FALSE(read_smart(tree.files(), "/dev/drive"));
  CHECK(read_smart(tree.files(), "/dev/none").error().why == Why::missing);
}

TEST_CASE("usage: blocks are counted, names of one file once, links not followed") {
  Tree tree;
  const std::string data(100000, 'x');
  tree.file("/cache/hf/blob", data).file("/elsewhere", data).link("/cache/hf/link", "/elsewhere");
  const auto empty = measure_usage(tree.files(), "/cache/hf", FakeClock());
  REQUIRE(empty);
  CHECK(empty->files == 2);
  CHECK(empty->whole);
  CHECK(empty->used.count >= 100000);
  CHECK(empty->used.count < 200000);
  REQUIRE(::link((tree.root() + "/cache/hf/blob").c_str(), (tree.root() + "/cache/hf/again").c_str()) == 0);
  const auto twice = measure_usage(tree.files(), "/cache/hf", FakeClock());
  CHECK(twice->files == 3);
  CHECK(twice->used.count < 200000);
  tree.file("/cache/hf/deep/er/blob", data);
  CHECK(measure_usage(tree.files(), "/cache/hf", FakeClock())->used.count >= 200000);
  CHECK(measure_usage(tree.files(), "/cache/none", FakeClock()).error().why == Why::missing);
}

TEST_CASE("usage: a limit gives a lower bound and says so") {
  Tree tree;
  for (int i = 0; i < 20; ++i) tree.file("/cache/" + std::to_string(i), "x");
  const auto few = measure_usage(tree.files(), "/cache", FakeClock(), {10, std::chrono::seconds(60)});
  REQUIRE(few);
  CHECK_FALSE(few->whole);
  CHECK(few->files == 10);
  std::string deep = "/cache";
  for (int i = 0; i < 100; ++i) deep += "/d";
  tree.file(deep + "/blob", "x");
  CHECK_FALSE(measure_usage(tree.files(), "/cache", FakeClock())->whole);
}
