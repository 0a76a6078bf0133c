#include "collect/kernel_log.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "base/names.h"
#include "collect/collect.h"
#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::collect;
using namespace std::chrono_literals;
using facts::KernelLog;
using fettle::test::FakeClock;
using fettle::test::FakeRunner;
using fettle::test::Tree;

namespace {

const auto noon = std::chrono::system_clock::time_point(1764000000s);

profile::LogRule rule(const std::string& name, const std::string& pattern) {
  profile::LogRule made;
  made.name = name;
  made.pattern = pattern;
  return made;
}

std::vector<profile::LogRule> rules() {
  return {rule("reset", "amdgpu.*GPU reset begin"), rule("nvme", "^nvme nvme[0-9]+: .*timeout")};
}

std::string record(unsigned number, unsigned seconds, const std::string& message) {
  return "4," + std::to_string(number) + "," + std::to_string(seconds) + "000000,-;" + message + "\n";
}

struct Machine {
  Tree tree;
  Result<KernelLog> last = fail(Why::missing, "");

  KernelLog look(const std::string& log, const std::string& boot = "b1",
                 const std::vector<profile::LogRule>& with = rules()) {
    tree.file(names::kernel_log, log);
    const KernelLog found = look_at_kernel_log(tree.files(), with, boot, {noon, 1000s, 900s}, last);
    last = facts::parse_kernel_log(pretty_json(facts::to_json(found)));
    REQUIRE(last);
    return *last;
  }
};

}  // namespace

TEST_CASE("kernel log: lines are counted once, by rule and device, with the time of the newest") {
  Machine machine;
  const std::string first = record(0, 10, "amdgpu 0000:27:00.0: amdgpu: GPU reset begin!") +
                            record(1, 20, "amdgpu 0000:27:00.0: amdgpu: GPU reset begin!") +
                            record(2, 30, "nvme nvme3: I/O 12 QID 5 timeout, aborting") +
                            record(3, 40, "quiet");
  KernelLog log = machine.look(first);
  CHECK_FALSE(log.error);
  CHECK(log.next == 4);
  CHECK(log.lost == 0);
  REQUIRE(log.matches.size() == 2);
  CHECK(log.matches[0].rule == "nvme");
  CHECK(log.matches[0].device == "nvme3");
  CHECK(log.matches[1].device == "0000:27:00.0");
  CHECK(log.matches[1].count == 2);
  CHECK(log.matches[1].last_uptime == 20s);
  CHECK(log.matches[1].last_at == noon - 980s);

  log = machine.look(first);  // nothing new: nothing is counted again
  CHECK(log.matches[1].count == 2);
  log = machine.look(first + record(4, 50, "amdgpu 0000:27:00.0: amdgpu: GPU reset begin!"));
  CHECK(log.matches[1].count == 3);
  CHECK(log.matches[1].last_uptime == 50s);
}

TEST_CASE("kernel log: another boot, other rules or a log that began anew are looked at from the start") {
  const std::string line = record(0, 10, "amdgpu 0000:27:00.0: amdgpu: GPU reset begin!");
  Machine machine;
  machine.look(line + record(1, 11, "x"));
  KernelLog log = machine.look(record(0, 5, "quiet"), "b2");
  CHECK(log.matches.empty());
  CHECK(log.boot_id == "b2");
  CHECK(log.next == 1);

  log = machine.look(line, "b2", {rule("reset", "GPU reset")});
  CHECK(log.matches.size() == 1);
  machine.look(line + record(1, 11, "x"), "b3");
  log = machine.look(line, "b3");
  CHECK_FALSE(log.error);
  CHECK(log.matches[0].count == 1);
  CHECK(log.next == 1);
}

TEST_CASE("kernel log: what the kernel dropped is remembered as lost, with the time of the look") {
  Machine machine;
  machine.look(record(0, 1, "x"));
  CHECK_FALSE(machine.last->lost_uptime);
  const KernelLog log = machine.look(record(40, 30, "y"));
  CHECK(log.lost == 39);
  CHECK(log.lost_uptime == 1000s);
  CHECK(machine.look(record(40, 30, "y")).lost == 39);
}

TEST_CASE("kernel log: a log that cannot be read keeps what was found, and says that nobody looked") {
  Machine machine;
  machine.look(record(0, 1, "amdgpu 0000:27:00.0: amdgpu: GPU reset begin!"));
  machine.tree.remove(names::kernel_log);
  const KernelLog log =
      look_at_kernel_log(machine.tree.files(), rules(), std::string("b1"), {noon, 1000s, 900s}, machine.last);
  REQUIRE(log.error);
  CHECK(log.error->said.find("cannot read the kernel log") == 0);
  CHECK(log.matches.size() == 1);
  CHECK(log.next == 1);
  const KernelLog nameless = look_at_kernel_log(
      machine.tree.files(), rules(), fail(Why::denied, "cannot read 'x'"), {noon, 1000s, 900s}, machine.last);
  CHECK(nameless.error->said == "cannot tell which boot the kernel log is of: cannot read 'x'");
}

TEST_CASE("kernel log: what programs write there does not count, nor do hostile lines grow the result") {
  Machine machine;
  std::string log;
  for (unsigned number = 0; number < 200; ++number) {
    const std::string address = "00" + std::to_string(number / 100) + std::to_string(number / 10 % 10) +
                                ":2" + std::to_string(number % 10) + ":00.0";
    log += record(number, 1, "amdgpu " + address + ": GPU reset begin!");
  }
  log += "12,200,1000000,-;amdgpu 0000:27:00.0: GPU reset begin!\n";  // a program's
  log += record(201, 1, "amdgpu \x1b[31m;../../etc/passwd\"\n GPU reset begin!");
  log += record(202, 1, "amdgpu " + std::string(100000, 'x') + " GPU reset begin!");
  const KernelLog found = machine.look(log);
  CHECK_FALSE(found.error);
  CHECK(found.next == 203);
  std::uint64_t count = 0;
  for (const facts::LogMatch& match : found.matches) {
    count += match.count;
    CHECK(match.device.find_first_not_of("0123456789:.") == std::string::npos);
  }
  CHECK(count == 200);
  CHECK(found.matches.size() == 33);  // the rest shares one entry
}

TEST_CASE(
    "kernel log: the device of a line is the kernel's own word, else the first address, drive or array") {
  CHECK(device_of("+pci:0000:27:00.0", "amdgpu 0000:05:00.0: x") == "0000:27:00.0");
  CHECK(device_of("+usb:1-1", "amdgpu 0000:05:00.0: x") == "0000:05:00.0");
  CHECK(device_of("", "pcieport 0000:20:01.1: AER: from 0000:27:00.0") == "0000:20:01.1");
  CHECK(device_of("", "nvme nvme12: I/O timeout") == "nvme12");
  CHECK(device_of("", "I/O error, dev nvme3n1, sector 1") == "nvme3");
  CHECK(device_of("", "XFS (md127): Shutting down") == "md127");
  CHECK(device_of("", "md/raid0md127: Disk failure on nvme3n1 detected, failing array.") == "nvme3");
  CHECK(device_of("", "nvmexyz md nvme nvme99999 0000:zz:00.0 0000:27:00.9").empty());
  CHECK(device_of("+pci:../../etc", "").empty());
}

TEST_CASE(
    "collect: the kernel log is looked at in every run, without a child, and its result is for everybody") {
  Machine machine;
  FakeRunner runner;  // nobody is announced
  FakeClock clock;
  machine.tree.file("/proc/uptime", "1000.0 1.0\n")
      .file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
      .file("/proc/sys/kernel/random/boot_id", "b1\n")
      .file(names::kernel_log, record(0, 1, "amdgpu 0000:27:00.0: amdgpu: GPU reset begin!"));
  Wish wish;
  wish.log_rules = rules();
  const auto run = [&] {
    return fettle::collect::collect({machine.tree.files(), runner, clock},
                                    facts::gather(machine.tree.files()), wish);
  };
  auto looked = run();
  REQUIRE(looked);
  REQUIRE(looked->size() == 1);
  CHECK(looked->front().says == "1 line of note");
  CHECK(machine.tree.files().look(facts::collected_file(facts::kernel_log_kind))->mode == 0644);
  const auto log = facts::read_kernel_log(machine.tree.files(), 1000s);
  REQUIRE(log);
  CHECK(log->matches.size() == 1);
  CHECK(log->boot_id == "b1");
  CHECK(machine.tree.read(facts::collected_file(facts::kernel_log_kind)).find("GPU reset") ==
        std::string::npos);

  looked = run();
  REQUIRE(looked);
  CHECK(looked->empty());
  machine.tree.file(names::kernel_log, record(9, 30, "y"));
  CHECK(run()->front().says == "8 records lost before they could be read");
  machine.tree.remove(names::kernel_log);
  CHECK(run()->front().error);
}
