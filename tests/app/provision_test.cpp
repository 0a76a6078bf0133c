// The whole sequence on machines made of files: configuration, waiting, locks, report.
#include "app/provision.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>

#include <fstream>
#include <sstream>

#include "base/json.h"
#include "base/names.h"
#include "storage/record.h"
#include "support/source.h"
#include "support/storage_machine.h"

using namespace fettle;
using namespace fettle::app;
using fettle::test::DriveSpec;
using fettle::test::StorageMachine;

namespace {

// A table of the package, which every configuration needs.
std::string shipped(const std::string& name) {
  std::ifstream in(fettle::test::source_dir().string() + "/profiles/" + name);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void configure(StorageMachine& machine, const std::string& cache) {
  for (const char* const table : {"gpus.yaml", "compat/rocm.yaml"}) {
    machine.tree.file(std::string(names::shipped_profiles) + "/" + table, shipped(table));
  }
  machine.tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: test\n")
      .file("/etc/fettle/profiles/test.yaml",
            "schema: 1\nkind: profile\nname: test\n" + cache +
                "caches:\n  - name: hf\n    env: [HF_HOME]\n    mode: \"0755\"\n"
                "    why: models stay\n");
}

std::string drives_of(unsigned count, unsigned wait = 3) {
  return "cache:\n  path: /srv/fettle\n  wait_seconds: " + std::to_string(wait) +
         "\n  drives:\n    models: [\"Microsoft NVMe Direct Disk*\"]\n    count: " + std::to_string(count) +
         "\n";
}

const std::string directory = "cache:\n  path: /srv/fettle\n";

Provisioned boot(StorageMachine& machine, Mode mode = Mode::act) {
  return provision(machine.system(), Phase::boot, mode);
}

// A clock on which something happens after a while: drives appear, udev assembles.
class EventClock final : public system::Clock {
 public:
  EventClock(std::chrono::milliseconds at, std::function<void()> what) : at_(at), what_(std::move(what)) {}
  std::chrono::system_clock::time_point now() const override { return clock_.now(); }
  std::chrono::steady_clock::time_point steady() const override { return clock_.steady(); }
  void sleep_for(std::chrono::milliseconds time) override {
    clock_.sleep_for(time);
    if (what_ && clock_.steady().time_since_epoch() >= at_) std::exchange(what_, nullptr)();
  }

 private:
  test::FakeClock clock_;
  std::chrono::milliseconds at_;
  std::function<void()> what_;
};

}  // namespace

TEST_CASE(
    "provision: a blank machine is provisioned, and the second run starts no program and writes nothing") {
  StorageMachine machine(4);
  configure(machine, drives_of(4));
  const Provisioned first = boot(machine);
  REQUIRE_MESSAGE(first.came == Came::well, (first.error ? first.error->said : std::string()));
  CHECK(first.report.verdict == "all_blank");
  CHECK(machine.ran.size() == 3);
  const auto report = storage::read_report(machine.tree.files());
  REQUIRE(report);
  CHECK(report->device == "/dev/md127");
  CHECK(report->boot.status == Status::pass);

  machine.ran.clear();
  const std::string drives = machine.fingerprint();
  const std::string record = machine.tree.read(names::storage_record);
  const Provisioned second = boot(machine);
  CHECK(second.came == Came::well);
  CHECK(second.report.verdict == "same");
  CHECK(second.report.boot.steps.empty());
  CHECK(machine.ran.empty());
  CHECK(machine.fingerprint() == drives);
  CHECK(machine.tree.read(names::storage_record) == record);
  CHECK(second.report.generation == first.report.generation);
}

TEST_CASE(
    "provision: the mount point is made by itself, remembered once, and left alone where it is refused") {
  StorageMachine machine(2);
  const auto run = [&](const std::string& path) {
    std::string cache = drives_of(2);
    configure(machine, cache.replace(cache.find("/srv/fettle"), 11, path));
    return provision(machine.system(), Phase::mount_point, Mode::act);
  };
  const std::string record = "/var/lib/fettle/provision/mount-points";
  machine.tree.file("/full/x");
  CHECK(run("/full").came == Came::well);  // the boot phase says why
  CHECK_FALSE(*machine.tree.files().exists(record));
  CHECK(run("/data").came == Came::well);
  CHECK(run("/data").came == Came::well);
  CHECK(machine.tree.read(record) == "/data\n");
  CHECK(run("relative").came == Came::misconfigured);
  CHECK(machine.ran.empty());
  CHECK_FALSE(*machine.tree.files().exists(names::provision_report));
}

TEST_CASE("provision: a dry run says the same and leaves no trace") {
  StorageMachine machine(2);
  configure(machine, drives_of(2));
  const Provisioned done = boot(machine, Mode::dry_run);
  CHECK(done.came == Came::well);
  CHECK(done.plan.steps.size() == 7);
  CHECK(machine.ran.empty());
  CHECK_FALSE(*machine.tree.files().exists("/run/fettle"));
  CHECK_FALSE(*machine.tree.files().exists("/var/lib/fettle"));
  CHECK(look_at_storage(machine.system()).plan.steps.size() == 7);
}

TEST_CASE("provision: late drives are waited for, and all of them are taken") {
  StorageMachine machine(3);
  configure(machine, drives_of(4, 10));
  EventClock clock(std::chrono::seconds(4), [&] {
    DriveSpec late = machine.drives[0];
    late.number = 3;
    late.serial = "SN0004";
    add_drive(machine.tree, late);
    machine.drives.push_back(late);
  });
  const Provisioned done = provision({machine.tree.files(), machine, clock}, Phase::boot, Mode::act);
  CHECK(done.came == Came::well);
  CHECK(done.report.drives.size() == 4);
  CHECK(clock.steady().time_since_epoch() < std::chrono::seconds(6));
}

TEST_CASE("provision: drives that never come end the wait in a refusal that is reported (F15)") {
  StorageMachine machine(3);
  configure(machine, drives_of(4, 5));
  const Provisioned done = boot(machine);
  CHECK(done.came == Came::refused);
  CHECK(machine.clock.steady().time_since_epoch() >= std::chrono::seconds(5));
  CHECK(machine.clock.steady().time_since_epoch() < std::chrono::seconds(6));
  const auto report = storage::read_report(machine.tree.files());
  REQUIRE(report);
  CHECK(report->verdict == "incomplete");
  CHECK(report->boot.status == Status::fail);
  CHECK(report->boot.says.find("3 of 4") != std::string::npos);
  CHECK(machine.ran.empty());
}

TEST_CASE("provision: udev that assembles late is waited for, then nothing is assembled by us (F27)") {
  StorageMachine machine(2);
  configure(machine, drives_of(2, 30));
  REQUIRE(boot(machine).came == Came::well);
  machine.power_cycle();
  machine.ran.clear();
  EventClock clock(std::chrono::seconds(20), [&] { machine.start_array({"nvme0n1", "nvme1n1"}); });
  const Provisioned done = provision({machine.tree.files(), machine, clock}, Phase::boot, Mode::act);
  CHECK(done.came == Came::well);
  CHECK(done.report.verdict == "same");
  CHECK(machine.ran.empty());
  CHECK(*machine.tree.files().read_link(names::cache_link) == "/dev/md127");
}

TEST_CASE("provision: udev that never assembles leaves it to us, after the wait") {
  StorageMachine machine(2);
  configure(machine, drives_of(2, 5));
  REQUIRE(boot(machine).came == Came::well);
  machine.power_cycle();
  machine.ran.clear();
  const Provisioned done = boot(machine);
  CHECK(done.came == Came::well);
  REQUIRE(machine.ran.size() == 2);
  CHECK(machine.ran[0].find("--assemble") != std::string::npos);
}

TEST_CASE("provision: two at once: the second waits, then leaves (F50)") {
  StorageMachine machine(2);
  configure(machine, drives_of(2));
  machine.tree.file(names::provision_lock);
  const auto other = machine.tree.files().open_at(names::provision_lock, O_RDWR);
  REQUIRE(other);
  REQUIRE(::flock(other->get(), LOCK_EX) == 0);
  const Provisioned done = boot(machine);
  CHECK(done.came == Came::busy);
  CHECK(machine.clock.steady().time_since_epoch() >= std::chrono::seconds(60));
  CHECK(machine.clock.steady().time_since_epoch() < std::chrono::seconds(61));
  CHECK(machine.ran.empty());
  CHECK_FALSE(*machine.tree.files().exists(names::provision_report));
}

TEST_CASE("provision: a drive that somebody else has locked is not touched (F28)") {
  StorageMachine machine(2);
  configure(machine, drives_of(2));
  const auto other = machine.tree.files().open_at(machine.device(1), O_RDONLY);
  REQUIRE(other);
  REQUIRE(::flock(other->get(), LOCK_EX) == 0);
  const Provisioned done = boot(machine);
  CHECK(done.came == Came::refused);
  CHECK(done.error->said.find(machine.device(1)) != std::string::npos);
  CHECK(machine.ran.empty());
  CHECK(storage::read_report(machine.tree.files())->boot.status == Status::fail);
}

TEST_CASE("provision: a bad configuration is reported with its places, and nothing is touched") {
  StorageMachine machine(2);
  configure(machine, drives_of(2));
  machine.tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: test\nshelvs: []\n");
  const Provisioned done = boot(machine);
  CHECK(done.came == Came::misconfigured);
  REQUIRE_FALSE(done.complaints.empty());
  CHECK(machine.ran.empty());
  const auto report = storage::read_report(machine.tree.files());
  REQUIRE(report);
  CHECK(report->boot.status == Status::fail);
  CHECK(report->boot.warnings[0].find("fettle.yaml:4:1") != std::string::npos);
}

TEST_CASE("provision: directory mode needs only the cache phase, and touches no block device") {
  StorageMachine machine(2);
  configure(machine, directory);
  const std::string drives = machine.fingerprint();
  const Provisioned done = provision(machine.system(), Phase::cache, Mode::act);
  REQUIRE_MESSAGE(done.came == Came::well, (done.error ? done.error->said : std::string()));
  CHECK(done.report.verdict == "directory");
  CHECK(machine.tree.files().look("/srv/fettle/hf")->kind == system::Kind::directory);
  CHECK(*machine.tree.files().exists("/run/fettle/env"));
  CHECK(machine.ran.empty());
  CHECK(machine.fingerprint() == drives);
  const auto report = storage::read_report(machine.tree.files());
  REQUIRE(report);
  CHECK(report->cache.status == Status::pass);
  CHECK(report->generation.size() == 36);
  CHECK(boot(machine).came == Came::well);
}

TEST_CASE("provision: the cache phase keeps what the boot phase reported") {
  StorageMachine machine(2);
  configure(machine, drives_of(2));
  REQUIRE(boot(machine).came == Came::well);
  SUBCASE("mounted") {
    add_mount(machine.tree, "9:127", "/dev/md127", "/srv/fettle", "xfs");
    const Provisioned done = provision(machine.system(), Phase::cache, Mode::act);
    REQUIRE_MESSAGE(done.came == Came::well, (done.error ? done.error->said : std::string()));
    const auto report = storage::read_report(machine.tree.files());
    CHECK(report->verdict == "all_blank");
    CHECK(report->boot.steps.size() == 7);
    CHECK(report->cache.status == Status::pass);
    CHECK(json_text(*parse_json(machine.tree.read("/srv/fettle/.fettle-generation.json"), "it"), "id") ==
          report->generation);
    // The boot phase once more, by hand: nothing to do, so the cache is as ready as before.
    REQUIRE(boot(machine).came == Came::well);
    const auto again = storage::read_report(machine.tree.files());
    CHECK(again->verdict == "same");
    CHECK(again->cache.status == Status::pass);
    CHECK(again->cache.at == report->cache.at);
  }
  SUBCASE("not mounted") {
    const Provisioned done = provision(machine.system(), Phase::cache, Mode::act);
    CHECK(done.came == Came::refused);
    const auto report = storage::read_report(machine.tree.files());
    CHECK(report->boot.status == Status::pass);
    CHECK(report->cache.status == Status::fail);
    CHECK(machine.tree.files().list("/srv/fettle")->empty());
    CHECK_FALSE(*machine.tree.files().exists("/run/fettle/env"));
  }
}

TEST_CASE("provision: without a place for its lock it leaves with the reason (F51)") {
  StorageMachine machine(2);
  configure(machine, drives_of(2));
  machine.tree.file("/run", "");
  const Provisioned done = boot(machine);
  CHECK(done.came == Came::refused);
  REQUIRE(done.error);
  CHECK(machine.ran.empty());
}
