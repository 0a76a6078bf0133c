#include "storage/bench.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "storage/plan_support.h"
#include "support/ticking_clock.h"

using namespace fettle;
using namespace fettle::storage;
using namespace std::chrono_literals;
using fettle::test::TickingClock;

namespace {

const std::string kept = "/var/lib/fettle/provision/bench.json";

DriveSpeed drive_at(const std::string& serial, std::uint64_t mib_per_second,
                    std::optional<Bytes> first = {}) {
  DriveSpeed speed;
  speed.drive.serial = serial;
  speed.reads = system::Transfer{{mib_per_second << 20U}, 1s};
  speed.first = first;
  return speed;
}

std::string slow_of(std::vector<DriveSpeed> drives) {
  mark_slow(drives, 3);
  std::string words;
  for (const DriveSpeed& each : drives) {
    if (!each.slow.empty()) words += each.drive.serial + ": " + each.slow + "; ";
  }
  return words;
}

// A machine with a cache that is made, reported and mounted. Every look at the clock takes a second, so that
// the bounds in time end each phase after some blocks.
struct Mounted {
  Mounted() : machine(3) {
    const Plan planned = plan_of(machine);
    const Ending ending = apply(planned, machine.system());
    REQUIRE_FALSE(ending.error);
    report = report_of(planned, ending, machine.profile);
    add_mount(machine.tree, "9:127", "/dev/md127", "/srv/fettle", "xfs");
  }

  Result<Bench> run() {
    return bench(machine.profile, facts::gather(machine.tree.files()), report,
                 {machine.tree.files(), machine, clock});
  }

  bool has_room() const { return machine.tree.files().space("/srv/fettle")->available >= least_room; }

  StorageMachine machine;
  TickingClock clock{1s};
  Result<Report> report = fail(Why::missing, "none");
};

}  // namespace

TEST_CASE("bench: a drive that is so many times slower than its siblings, or than at first, is named") {
  const auto four = [](std::uint64_t last) {
    return std::vector{drive_at("A", 3000), drive_at("B", 3100), drive_at("C", 2900), drive_at("D", last)};
  };
  CHECK(slow_of(four(2000)).empty());
  CHECK(slow_of(four(1001)).empty());
  CHECK(slow_of(four(1000)) == "D: its siblings read 2.9 GiB/s; ");
  // Of two nobody can say which one is usual, but what it was at first tells.
  CHECK(slow_of({drive_at("A", 3000), drive_at("B", 10)}).empty());
  CHECK(slow_of({drive_at("A", 3000), drive_at("B", 1000, 3000_MiB)}) == "B: at first it read 2.9 GiB/s; ");
  CHECK(slow_of({drive_at("A", 1001, 3000_MiB)}).empty());
  // One that could not be measured counts for nothing.
  std::vector<DriveSpeed> broken = four(900);
  broken[0].reads = fail(Why::failed, "cannot read");
  CHECK(slow_of(broken) == "D: its siblings read 2.8 GiB/s; ");
}

TEST_CASE(
    "bench: the first figures of a cache are kept, later ones stand beside them, nothing else is left") {
  Mounted mounted;
  if (!mounted.has_room()) {
    MESSAGE("skipped: the directory of the tests has less than ", to_text(least_room), " free");
    return;
  }
  const std::string before = mounted.machine.fingerprint();
  const auto first = mounted.run();
  REQUIRE_MESSAGE(first, first.error().said);
  CHECK(first->drives.size() == 3);
  CHECK_FALSE(first->first_write);
  CHECK_FALSE(first->not_kept);
  CHECK(first->cache.write.size == 64_MiB);  // four blocks until the five seconds are over
  CHECK(first->cache.write.size == first->cache.read.size);
  for (const DriveSpeed& each : first->drives) {
    REQUIRE(each.reads);
    CHECK(each.reads->size == Bytes{test::small_drive});
    CHECK_FALSE(each.first);
    CHECK(each.slow.empty());
  }
  CHECK(mounted.machine.tree.files().list("/srv/fettle")->empty());
  CHECK(mounted.machine.fingerprint() == before);
  const std::string figures = mounted.machine.tree.read(kept);
  const auto second = mounted.run();
  REQUIRE(second);
  CHECK(second->first_write == rate_of(first->cache.write));
  CHECK(second->first_read == rate_of(first->cache.read));
  CHECK(second->drives[2].first == rate_of(*first->drives[2].reads));
  CHECK(mounted.machine.tree.read(kept) == figures);
  const auto page = to_json(*second);
  CHECK(page.at("drives").as_array().size() == 3);
  CHECK(page.at("first_read_bytes_per_second") == rate_of(first->cache.read).count);
  // Another generation is another cache.
  mounted.report->generation = "cccccccc-0000-4000-8000-000000000099";
  CHECK_FALSE(mounted.run()->first_write);
  CHECK(mounted.machine.tree.read(kept) != figures);
}

TEST_CASE(
    "bench: a drive that became slow is told from what is remembered; one that is gone is not measured") {
  Mounted mounted;
  if (!mounted.has_room()) {
    MESSAGE("skipped: the directory of the tests has less than ", to_text(least_room), " free");
    return;
  }
  mounted.machine.tree.file(kept, "{\"generation\": \"" + mounted.report->generation +
                                      "\", \"write\": 1, \"read\": 1, \"drives\": [{\"serial\": \"SN0002\", "
                                      "\"read\": 999999999}]}");
  mounted.machine.tree.remove(mounted.machine.device(2));
  const auto done = mounted.run();
  REQUIRE_MESSAGE(done, done.error().said);
  REQUIRE(done->drives.size() == 3);
  CHECK(done->drives[0].slow.empty());
  CHECK(done->drives[1].slow == "at first it read 953.7 MiB/s");
  CHECK_FALSE(done->drives[2].reads);
  CHECK(json_text(to_json(*done).at("drives").at(2), "error").find("nvme2n1") != std::string::npos);
}

TEST_CASE("bench: nothing is written where no cache is mounted, nor where room is short") {
  Mounted mounted;
  mounted.machine.profile.cache->reserve = Bytes{1ULL << 60U};
  const auto full = mounted.run();
  REQUIRE_FALSE(full);
  CHECK(full.error().said.find("beside the reserves at least 1.0 GiB are needed") != std::string::npos);
  mounted.machine.tree.file("/proc/self/mountinfo", "");
  add_mount(mounted.machine.tree, "8:1", "/dev/sda1", "/");
  mounted.machine.profile.cache->reserve = {};
  const auto bare = mounted.run();
  REQUIRE_FALSE(bare);
  CHECK(bare.error().said.find("nothing is mounted there") != std::string::npos);
  mounted.report = fail(Why::missing, "cannot read the report");
  CHECK_FALSE(mounted.run());
  mounted.machine.profile.cache.reset();
  CHECK(mounted.run().error().why == Why::missing);
  CHECK_FALSE(*mounted.machine.tree.files().exists(kept));
}
