#include "storage/trials.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "base/text.h"
#include "support/source.h"
#include "support/storage_machine.h"

using namespace fettle;
using namespace fettle::storage;
using namespace std::chrono_literals;
using fettle::test::StorageMachine;
using system::SmartBit;

namespace {

system::Smart healthy() {
  system::Smart smart;
  smart.temperature_celsius = 40;
  smart.spare_percent = 100;
  smart.spare_threshold_percent = 10;
  smart.used_percent = 3;
  return smart;
}

system::ReadTimes reads_in(std::chrono::microseconds median) {
  return {64, 128_KiB, median, median * 4};
}

facts::DriveTrial drive(unsigned number) {
  facts::DriveTrial trial;
  trial.serial = "SN000" + std::to_string(number);
  trial.model = "Drive";
  trial.name = "nvme" + std::to_string(number) + "n1";
  trial.smart = healthy();
  trial.reads = reads_in(200us);
  return trial;
}

// A node with eight drives on which everything was collected a minute ago, and is well.
struct Node {
  profile::Profile profile;
  facts::Facts facts;
  Result<Report> report = Report{};

  Node() {
    profile.cache.emplace();
    profile.cache->path = "/srv/fettle";
    profile.cache->drives = profile::DriveSet{{"Drive"}, {}, 8};
    facts.uptime = 1000s;
    facts.mounts =
        std::vector<facts::Mount>{{"/srv/fettle", "/dev/md127", "xfs", "rw,nosuid,nodev,noatime", "9:127"}};
    facts::CacheTrial trial;
    trial.path = "/srv/fettle";
    trial.done = system::WriteBack{4_MiB, 12ms, 3ms, true, {}};
    trial.members = 8;
    trial.reached = 8;
    trial.generation = "g1";
    facts.cache_trial = trial;
    facts::DriveTrials trials;
    for (unsigned i = 1; i <= 8; ++i) trials.drives.push_back(drive(i));
    facts.drive_trials = trials;
    report->generation = "g1";
  }

  facts::DriveTrial& third() { return facts.drive_trials->drives[2]; }

  Finding finding(const std::string& id) const {
    for (const NamedFinding& named : trial_findings(facts, report, profile, {})) {
      if (named.id == id) return named.finding;
    }
    FAIL("no finding ", id);
    return {};
  }
};

}  // namespace

TEST_CASE("trials: a node that is well passes all of them, each with what was seen") {
  const Node node;
  for (const NamedFinding& named : trial_findings(node.facts, node.report, node.profile, {})) {
    CAPTURE(named.id);
    CHECK(named.finding.status == Status::pass);
    CHECK_FALSE(named.finding.says.empty());
  }
  CHECK(node.finding("cache.writes").says ==
        "4.0 MiB written in 12 ms and read back in 3000 us, across 8 drives");
  CHECK(node.finding("drive.speed").says == "a read takes 200 us");
}

TEST_CASE("trials: a dead member of a busy (F21) or idle array fails, although md says clean") {
  Node node;
  node.facts.cache_trial->done =
      fail(Why::failed, "cannot sync '/srv/fettle/.fettle-trial': Input/output error", "dmesg");
  CHECK(node.finding("cache.writes").status == Status::fail);
  CHECK(node.finding("cache.writes").says.find("Input/output error") != std::string::npos);
  CHECK(node.finding("cache.generation").status == Status::unknown);
  node.facts.cache_trial->done = fail(Why::malformed, "cannot trust it: other bytes came back");
  CHECK(node.finding("cache.writes").status == Status::fail);
}

TEST_CASE("trials: an array that udev stopped while nothing was mounted (F22) is never seen as fine") {
  Node node;
  node.facts.mounts = std::vector<facts::Mount>{};
  node.facts.cache_trial->done =
      fail(Why::missing, "cannot try the cache: nothing is mounted on '/srv/fettle'");
  CHECK(node.finding("cache.writes").status == Status::unknown);
  CHECK(node.finding("cache.generation").status == Status::unknown);
}

TEST_CASE("trials: every warning bit of a drive and each threshold is a finding of its own (F33)") {
  struct Case {
    const char* id;
    Status status;
    const char* says;
    void (*hurt)(system::Smart&);
  };
  const auto set = [](SmartBit bit) { return static_cast<unsigned>(bit); };
  CHECK(set(SmartBit::persistent) == 32);
  const Case cases[] = {
      {"drive.spare", Status::warn, "100 % of its spare",
       [](system::Smart& s) { s.critical_warning = static_cast<unsigned>(SmartBit::spare); }},
      {"drive.spare", Status::warn, "9 % of its spare", [](system::Smart& s) { s.spare_percent = 9; }},
      {"drive.temperature", Status::warn, "40 degrees Celsius, outside",
       [](system::Smart& s) { s.critical_warning = static_cast<unsigned>(SmartBit::temperature); }},
      {"drive.temperature", Status::warn, "75 degrees Celsius, the profile's limit is 75",
       [](system::Smart& s) { s.temperature_celsius = 75; }},
      {"drive.reliability", Status::fail, "unreliable",
       [](system::Smart& s) { s.critical_warning = static_cast<unsigned>(SmartBit::reliability); }},
      {"drive.read_only", Status::fail, "read-only",
       [](system::Smart& s) { s.critical_warning = static_cast<unsigned>(SmartBit::read_only); }},
      {"drive.backup", Status::warn, "volatile memory",
       [](system::Smart& s) { s.critical_warning = static_cast<unsigned>(SmartBit::backup); }},
      {"drive.persistent_memory", Status::warn, "persistent memory region",
       [](system::Smart& s) { s.critical_warning = static_cast<unsigned>(SmartBit::persistent); }},
      {"drive.wear", Status::warn, "90 % of its endurance", [](system::Smart& s) { s.used_percent = 90; }},
      {"drive.media", Status::warn, "1 times", [](system::Smart& s) { s.media_errors = 1; }},
  };
  for (const Case& row : cases) {
    CAPTURE(row.id);
    CAPTURE(row.says);
    Node node;
    row.hurt(*node.third().smart);
    const Finding finding = node.finding(row.id);
    CHECK(finding.status == row.status);
    CHECK(finding.says.find("Drive SN0003 (nvme3n1): ") == 0);
    CHECK(finding.says.find(row.says) != std::string::npos);
    CHECK_FALSE(finding.hint.empty());
    unsigned bad = 0;
    for (const NamedFinding& named : trial_findings(node.facts, node.report, node.profile, {}))
      bad += named.finding.status == Status::pass ? 0 : 1;
    CHECK(bad == 1);
  }
}

TEST_CASE("trials: the thresholds are the profile's (F33)") {
  Node node;
  node.profile.cache->limits = {100, 80, 5, 3};
  node.third().smart->used_percent = 99;
  node.third().smart->temperature_celsius = 79;
  node.third().smart->media_errors = 5;
  for (const char* const id : {"drive.wear", "drive.temperature", "drive.media"})
    CHECK(node.finding(id).status == Status::pass);
  node.third().smart->media_errors = 6;
  CHECK(node.finding("drive.media").status == Status::warn);
}

TEST_CASE("trials: several drives are counted, the worst is named") {
  Node node;
  for (facts::DriveTrial& each : node.facts.drive_trials->drives) each.smart->media_errors = 2;
  CHECK(node.finding("drive.media").says ==
        "Drive SN0001 (nvme1n1): 2 times it could not give back what was written (and 7 other drives)");
}

TEST_CASE("trials: a drive that takes 40 s an answer (F34) is unknown, and fails when it stays so") {
  Node node;
  const Error error{Why::timed_out, "cannot look at Drive SN0003 (nvme3n1): it did not answer within 20 s",
                    ""};
  node.third().smart = fail(error);
  node.third().reads = fail(error);
  node.third().hangs_since = 970s;
  for (const char* const id : {"drive.answers", "drive.spare", "drive.read_only", "drive.speed"}) {
    CAPTURE(id);
    CHECK(node.finding(id).status == Status::unknown);
    CHECK(node.finding(id).says.find("SN0003") != std::string::npos);
  }
  CHECK(node.finding("drive.answers").says == "Drive SN0003 (nvme3n1): it has not answered for 30 s");
  node.third().hangs_since = 100s;
  CHECK(node.finding("drive.answers").status == Status::fail);
  CHECK(node.finding("drive.answers").says.find("15 min") != std::string::npos);
  CHECK(node.finding("drive.spare").status == Status::unknown);
}

TEST_CASE("trials: a write that hangs is unknown at first (F34), and fails after two minutes") {
  Node node;
  node.facts.cache_trial->done = fail(Why::timed_out, "cannot write to the cache");
  node.facts.cache_trial->hangs_since = 950s;
  CHECK(node.finding("cache.writes").status == Status::unknown);
  CHECK(node.finding("cache.writes").says == "a write to the cache has been hanging for 50 s");
  node.facts.cache_trial->hangs_since = 880s;
  CHECK(node.finding("cache.writes").status == Status::fail);
}

TEST_CASE("trials: nothing collected, too old (F46) or half a result is unknown, never fine") {
  for (const Error& error : {Error{Why::missing, "cannot tell: nothing was collected yet", ""},
                             Error{Why::timed_out, "cannot tell: the last result is 34 min old", ""},
                             Error{Why::malformed, "cannot use it: parts are missing", ""}}) {
    CAPTURE(error.said);
    Node node;
    node.facts.cache_trial = fail(error);
    node.facts.drive_trials = fail(error);
    for (const NamedFinding& named : trial_findings(node.facts, node.report, node.profile, {})) {
      if (named.id == "cache.options") continue;  // read by the daemon itself
      CAPTURE(named.id);
      CHECK(named.finding.status == Status::unknown);
      CHECK(named.finding.says == error.said);
    }
  }
}

TEST_CASE("trials: the slow drive of eight is named, with how much slower it is") {
  Node node;
  node.third().reads = reads_in(2500us);
  const Finding slow = node.finding("drive.speed");
  CHECK(slow.status == Status::warn);
  CHECK(slow.says == "Drive SN0003 (nvme3n1): a read takes 2500 us, with its siblings 200 us");
  // A read below a millisecond is nobody's bottleneck.
  node.third().reads = reads_in(900us);
  CHECK(node.finding("drive.speed").status == Status::pass);
  // All of them slower than when the cache was new: no sibling shows that.
  for (facts::DriveTrial& each : node.facts.drive_trials->drives) {
    each.reads = reads_in(12ms);
    each.first = reads_in(200us);
  }
  CHECK(node.finding("drive.speed").says ==
        "Drive SN0001 (nvme1n1): a read takes 12 ms, 200 us when the cache was new (and 7 other drives)");
}

TEST_CASE("trials: drives without a health log are left out, not failed") {
  Node node;
  for (facts::DriveTrial& each : node.facts.drive_trials->drives)
    each.smart = fail(Why::missing, "cannot read the health log: status 2");
  CHECK(node.finding("drive.spare").status == Status::not_applicable);
  CHECK(node.finding("drive.speed").status == Status::pass);
  node.third().smart = healthy();
  CHECK(node.finding("drive.spare").says == "1 drive looked at");
  node.third().smart = fail(Why::denied, "cannot read the health log: Permission denied");
  CHECK(node.finding("drive.spare").status == Status::unknown);
}

TEST_CASE("trials: a trial that missed some drives says so") {
  Node node;
  node.facts.cache_trial->reached = 5;
  CHECK(node.finding("cache.writes").status == Status::warn);
  CHECK(node.finding("cache.writes").says == "the trial reached only 5 of 8 drives");
}

TEST_CASE("trials: another generation than provisioned fails, a missing marker too") {
  Node node;
  node.facts.cache_trial->generation = "g2";
  CHECK(node.finding("cache.generation").status == Status::fail);
  node.facts.cache_trial->generation = "";
  CHECK(node.finding("cache.generation").says == "the cache has no generation marker any more");
  node.report = fail(Why::missing, "cannot read the report");
  CHECK(node.finding("cache.generation").status == Status::unknown);
}

TEST_CASE("trials: the wanted mount options are those of the unit") {
  Node node;
  node.facts.mounts->front().options = "rw,relatime";
  CHECK(node.finding("cache.options").says == "the cache is mounted without noatime, nosuid, nodev");
  std::ifstream in(fettle::test::source_dir() / "systemd" / "srv-fettle.mount");
  std::stringstream text;
  text << in.rdbuf();
  const std::string unit = text.str();
  unsigned seen = 0;
  for (const std::string_view line : lines(unit)) {
    constexpr std::string_view key = "Options=";
    if (line.rfind(key, 0) != 0) continue;
    node.facts.mounts->front().options = line.substr(key.size());
    CHECK(node.finding("cache.options").status == Status::pass);
    for (const std::string_view option : split(line.substr(key.size()), ',')) {
      std::string without;
      for (const std::string_view other : split(line.substr(key.size()), ','))
        if (other != option) without += "," + std::string(other);
      node.facts.mounts->front().options = without;
      CAPTURE(option);
      CHECK(node.finding("cache.options").status == Status::warn);
      ++seen;
    }
  }
  CHECK(seen == 3);
}

TEST_CASE("trials: a directory of others is tried when somebody collects, and else not applicable") {
  Node node;
  node.profile.cache->drives.reset();
  CHECK(node.finding("cache.writes").status == Status::pass);
  CHECK(node.finding("drive.spare").status == Status::not_applicable);
  CHECK(node.finding("cache.options").status == Status::not_applicable);
  node.facts.cache_trial = fail(Why::missing, "cannot tell: nothing was collected yet");
  CHECK(node.finding("cache.writes").status == Status::not_applicable);
  node.facts.cache_trial = fail(Why::timed_out, "cannot tell: the last result is 34 min old");
  CHECK(node.finding("cache.writes").status == Status::unknown);
}
