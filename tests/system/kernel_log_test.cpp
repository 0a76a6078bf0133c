#include "system/kernel_log.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/names.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::system;
using fettle::test::Tree;

namespace {

struct Walked {
  Result<KernelLogWalk> walk = fail(Why::missing, "");
  std::vector<std::string> messages;
};

Walked walk(const std::string& log, std::uint64_t from = 0) {
  Tree tree;
  tree.file(names::kernel_log, log);
  Walked walked;
  walked.walk = walk_kernel_log(
      tree.files(), from, [&](const KernelRecord& record) { walked.messages.emplace_back(record.message); });
  return walked;
}

}  // namespace

TEST_CASE("kernel log: a record has its number, time, facility, message and device") {
  const auto record = parse_kernel_record(
      "3,1042,98765432,-;amdgpu 0000:27:00.0: GPU reset begin!\n SUBSYSTEM=pci\n DEVICE=+pci:0000:27:00.0\n");
  REQUIRE(record);
  CHECK(record->sequence == 1042);
  CHECK(record->since_boot.count() == 98765432);
  CHECK(record->is_of_kernel);
  CHECK(record->message == "amdgpu 0000:27:00.0: GPU reset begin!");
  CHECK(record->device == "+pci:0000:27:00.0");
  // A program that writes to /dev/kmsg is of facility 1, whatever it says of itself.
  CHECK_FALSE(parse_kernel_record("12,1043,98765433,-;amdgpu 0000:27:00.0: GPU reset begin!")->is_of_kernel);
  CHECK(parse_kernel_record("6,7,8,-,caller=T1;")->message.empty());
  CHECK(parse_kernel_record("6,7,8,-;a;b")->message == "a;b");
}

TEST_CASE("kernel log: what is no record is none, and nothing of it is believed") {
  for (const char* const text : {"", ";", "6;x", "6,7;x", "6,7,8", "x,7,8,-;m", "6,-7,8,-;m", "6,7,,-;m",
                                 "6,18446744073709551615,8,-;m", "6,7,99999999999999999999,-;m",
                                 "6,7,9000000000000000000,-;m", "4294967296,7,8,-;m", "GPU reset begin!"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_kernel_record(text));
  }
  const std::string device = "6,7,8,-;m\n DEVICE=+pci:\x1b[31m";
  CHECK(parse_kernel_record(device)->device.empty());
}

TEST_CASE("kernel log: a walk goes on where the last one ended, and counts what was dropped meanwhile") {
  const std::string log = "6,0,1,-;zero\n6,1,2,-;one\n SUBSYSTEM=cpu\n4,2,3,-;two\n";
  auto walked = walk(log);
  REQUIRE(walked.walk);
  CHECK(walked.messages == std::vector<std::string>{"zero", "one", "two"});
  CHECK(walked.walk->next == 3);
  CHECK(walked.walk->lost == 0);
  CHECK(walked.walk->reached_end);

  walked = walk(log, 3);
  REQUIRE(walked.walk);
  CHECK(walked.messages.empty());
  CHECK(walked.walk->next == 3);

  walked = walk(log + "6,3,4,-;three\n", 2);
  CHECK(walked.messages == std::vector<std::string>{"two", "three"});

  walked = walk("6,5,6,-;five\n6,9,10,-;nine\n", 3);
  CHECK(walked.messages == std::vector<std::string>{"five", "nine"});
  CHECK(walked.walk->lost == 2 + 3);
  CHECK(walked.walk->next == 10);

  // The oldest that is there need not be the first that was written.
  CHECK(walk("6,700,6,-;x\n").walk->lost == 700);
  CHECK(walk("").walk->next == 0);
}

TEST_CASE("kernel log: a log that began anew, or that is not there, is an error and no quiet log") {
  const auto anew = walk("6,0,1,-;zero\n", 900);
  REQUIRE_FALSE(anew.walk);
  CHECK(anew.walk.error().why == Why::malformed);
  Tree empty;
  const auto none = walk_kernel_log(empty.files(), 0, [](const KernelRecord&) {});
  REQUIRE_FALSE(none);
  CHECK(none.error().why == Why::missing);
  Tree directory;
  directory.directory(names::kernel_log);
  CHECK_FALSE(walk_kernel_log(directory.files(), 0, [](const KernelRecord&) {}));
}

TEST_CASE("kernel log: a line of 100 KiB is cut, and records that make no sense are counted as lost") {
  const std::string log = "6,0,1,-;" + std::string(100000, 'a') +
                          "GPU reset begin!\n6,1,2,-;after\nnonsense\n" +
                          std::string("6,2,3,-;with \0 in it\n", 21);
  const auto walked = walk(log);
  REQUIRE(walked.walk);
  REQUIRE(walked.messages.size() == 3);
  CHECK(walked.messages[0] == std::string(longest_message, 'a'));
  CHECK(walked.messages[1] == "after");
  CHECK(walked.walk->lost == 1);
  CHECK(walked.walk->next == 3);
}
