// What apply() does when things go wrong between two steps, and when it is killed there.
#include "storage/apply.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "storage/look.h"
#include "storage/steps.h"
#include "support/storage_machine.h"
#include "system/step_point.h"

using namespace fettle;
using namespace fettle::storage;
using fettle::test::Made;
using fettle::test::other_uuid;
using fettle::test::StorageMachine;

namespace {

const Fresh fresh{"aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002",
                  "cccccccc-0000-4000-8000-000000000003"};
// What the next run would choose; a resumed one must not use them.
const Fresh later{"dddddddd-0000-4000-8000-000000000001", "eeeeeeee-0000-4000-8000-000000000002",
                  "ffffffff-0000-4000-8000-000000000003"};

Plan plan_with(StorageMachine& machine, const Fresh& names) {
  const auto sight = look(facts::gather(machine.tree.files()), *machine.profile.cache, machine.tree.files(),
                          Depth::thorough);
  return plan(sight, machine.profile, names);
}

// Runs the plan in a child that may die of it; gives the signal that ended it, or 0.
int run_in_child(StorageMachine& machine, const Plan& planned, const std::string& die_at) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::setenv("FETTLE_DIE_AT", die_at.c_str(), 1);
    const Ending ending = apply(planned, machine.system());
    ::_exit(ending.error ? 1 : 0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

// After a death the next run must end with the cache that the first one chose.
void check_recovers(StorageMachine& machine) {
  machine.ran.clear();
  const Plan planned = plan_with(machine, later);
  REQUIRE_MESSAGE(is_good(planned), planned.says);
  const Ending ending = apply(planned, machine.system());
  REQUIRE_MESSAGE(!ending.error, to_text(*ending.error));
  const Plan again = plan_with(machine, later);
  CHECK(again.verdict == Verdict::same);
  CHECK(again.steps.empty());
  CHECK(read_record(machine.tree.files())->progress == Progress::done);
}

std::vector<std::string> programs(const StorageMachine& machine, const std::string& word) {
  std::vector<std::string> lines;
  for (const std::string& line : machine.ran) {
    if (line.find(word) != std::string::npos) lines.push_back(line);
  }
  return lines;
}

}  // namespace

namespace {

// What becomes of the machine between a death and the next run.
enum class Between { nothing, reboot };

// Drives that no run may touch, with something on them: one of the cloud's disks, and the boot drive, which
// has the model of ours.
class Bystanders {
 public:
  explicit Bystanders(StorageMachine& machine) : machine_(machine) {
    test::DriveSpec remote;
    remote.number = 20;
    remote.serial = "REMOTE0001";
    remote.model = test::azure_remote_model;
    remote.bytes = test::small_drive;
    test::DriveSpec boot = remote;
    boot.number = 21;
    boot.serial = "BOOT0001";
    boot.model = test::azure_local_model;
    drives_ = {remote, boot};
    for (const test::DriveSpec& drive : drives_) {
      add_drive(machine.tree, drive);
      machine.tree.patch("/dev/" + name_of(drive), 0, test::xfs_superblock(other_uuid, "precious"));
    }
    mount_boot();
    before_ = content();
  }

  void power_cycle() {
    machine_.power_cycle();
    mount_boot();
  }

  bool are_untouched() const { return content() == before_; }

 private:
  void mount_boot() { add_mount(machine_.tree, device_number(drives_[1]), "/dev/nvme21n1", "/boot", "xfs"); }
  std::string content() const {
    return machine_.tree.read("/dev/nvme20n1") + machine_.tree.read("/dev/nvme21n1");
  }

  StorageMachine& machine_;
  std::vector<test::DriveSpec> drives_;
  std::string before_;
};

// Every death and every run that came after one, over all machines of a test.
struct Tally {
  unsigned kills = 0;
  unsigned resumes = 0;
  unsigned wrong_writes = 0;
};

// Kills the run at each of its points, and the run that resumes at each of its own, until one gets through.
void kill_and_resume(unsigned count, Between between, Tally& tally) {
  const unsigned points = count == 1 ? 6 : 8;  // before each step, and before the end
  for (unsigned first = 1; first <= points; ++first) {
    bool is_through = false;
    for (unsigned second = 1; !is_through; ++second) {
      CAPTURE(count);
      CAPTURE(first);
      CAPTURE(second);
      StorageMachine machine(count);
      Bystanders bystanders(machine);
      REQUIRE(run_in_child(machine, plan_with(machine, fresh), std::to_string(first)) == SIGKILL);
      ++tally.kills;
      if (between == Between::reboot) bystanders.power_cycle();
      const Plan resumed = plan_with(machine, later);
      REQUIRE_MESSAGE(is_good(resumed), resumed.says);
      is_through = run_in_child(machine, resumed, std::to_string(second)) != SIGKILL;
      ++tally.resumes;
      if (!is_through) {
        ++tally.kills;
        if (between == Between::reboot) bystanders.power_cycle();
        check_recovers(machine);
        ++tally.resumes;
      }
      const auto record = read_record(machine.tree.files());
      REQUIRE(record);
      CHECK(record->progress == Progress::done);
      // The names of the first intent that was written: there was no second choice after that.
      if (first > 1) CHECK(record->filesystem_uuid == fresh.filesystem_uuid);
      if (machine.wrote_wrongly() || !bystanders.are_untouched()) ++tally.wrong_writes;
    }
  }
}

}  // namespace

TEST_CASE("storage: killed at any point and killed again while it resumes, a run ends with one cache (F47)") {
  if (!system::has_step_points()) {
    MESSAGE("skipped: built without step points");
    return;
  }
  Tally tally;
  for (const unsigned count : {1U, 3U}) {
    for (const Between between : {Between::nothing, Between::reboot}) kill_and_resume(count, between, tally);
  }
  MESSAGE(tally.kills, " kills, ", tally.resumes, " resumes, ", tally.wrong_writes, " wrong writes");
  CHECK(tally.kills >= 100);
  CHECK(tally.resumes >= 100);
  CHECK(tally.wrong_writes == 0);
}

TEST_CASE("storage: what a killed run had made is used by the next, not made again (F47)") {
  if (!system::has_step_points()) {
    MESSAGE("skipped: built without step points");
    return;
  }
  for (const unsigned count : {1U, 3U}) {
    for (const Between between : {Between::nothing, Between::reboot}) {
      const std::size_t steps = count == 1 ? 5 : 7;
      for (std::size_t step = 1; step <= steps + 1; ++step) {
        CAPTURE(count);
        CAPTURE(step);
        StorageMachine machine(count);
        const Plan planned = plan_with(machine, fresh);
        REQUIRE(planned.steps.size() == steps);
        REQUIRE(run_in_child(machine, planned, std::to_string(step)) == SIGKILL);
        if (between == Between::reboot) machine.power_cycle();
        check_recovers(machine);
        CHECK(read_record(machine.tree.files())->filesystem_uuid ==
              (step == 1 ? later : fresh).filesystem_uuid);
        if (step >= 3) CHECK(programs(machine, "--create").empty());
        if (step > (count == 1 ? 2 : 4)) CHECK(programs(machine, "mkfs.xfs").empty());
      }
    }
  }
}

TEST_CASE(
    "storage: killed while mdadm writes superblocks, the half array is taken apart and made anew (F47)") {
  struct Row {
    int written;
    bool udev_holds_them;
  };
  for (const Row row : {Row{0, false}, Row{1, false}, Row{2, false}, Row{3, false}, Row{1, true},
                        Row{2, true}, Row{3, true}}) {
    CAPTURE(row.written);
    CAPTURE(row.udev_holds_them);
    StorageMachine machine(3);
    machine.superblocks_before_death = row.written;
    REQUIRE(run_in_child(machine, plan_with(machine, fresh), "never") == SIGKILL);
    machine.superblocks_before_death = -1;
    if (row.udev_holds_them) {
      std::vector<std::string> members;
      for (int i = 0; i < std::min(row.written, 2); ++i)
        members.push_back(name_of(machine.drives[static_cast<unsigned>(i)]));
      machine.start_array(members, "inactive");
    }
    check_recovers(machine);
    CHECK(read_record(machine.tree.files())->array_uuid == fresh.array_uuid);
    CHECK(programs(machine, "--stop").size() == (row.udev_holds_them ? 1 : 0));
    CHECK(programs(machine, "--zero-superblock").size() ==
          (row.written < 3 || row.udev_holds_them ? static_cast<std::size_t>(row.written) : 0));
  }
}

TEST_CASE("storage: killed while mkfs.xfs writes, only its own mark is taken away and it runs again (F47)") {
  for (const unsigned count : {1U, 3U}) {
    CAPTURE(count);
    StorageMachine machine(count);
    machine.makes = Made::unfinished;
    REQUIRE(run_in_child(machine, plan_with(machine, fresh), "never") == SIGKILL);
    machine.makes = Made::whole;
    check_recovers(machine);
    CHECK(programs(machine, "wipefs").size() == 1);
    CHECK(programs(machine, "mkfs.xfs").size() == 1);
    CHECK(read_record(machine.tree.files())->filesystem_uuid == fresh.filesystem_uuid);
  }
}

TEST_CASE("storage: an intent gives no right to a drive that changed since (F47)") {
  StorageMachine machine(3);
  machine.superblocks_before_death = 2;
  REQUIRE(run_in_child(machine, plan_with(machine, fresh), "never") == SIGKILL);
  const std::size_t drive = 2;
  Verdict verdict = Verdict::foreign;
  SUBCASE("the blank one got a filesystem") {
    machine.tree.patch(machine.device(drive), 0, test::xfs_superblock(other_uuid, "precious"));
  }
  SUBCASE("the blank one got data without a signature") {
    machine.tree.patch(machine.device(drive), 5'000'000, "data");
  }
  SUBCASE("the blank one was replaced by another blank one") {
    machine.drives[drive].serial = "NEW0001";
    machine.replug();
    verdict = Verdict::some_replaced;
  }
  const std::string before = machine.fingerprint();
  const Plan planned = plan_with(machine, later);
  CHECK(planned.verdict == verdict);
  CHECK_FALSE(is_good(planned));
  CHECK(planned.steps.empty());
  CHECK(machine.fingerprint() == before);
}

TEST_CASE("storage: mdadm gives up half way: only superblocks of this run are taken off (F25)") {
  StorageMachine machine(4);
  machine.superblocks_before_failure = 2;
  const Ending ending = apply(plan_with(machine, fresh), machine.system());
  REQUIRE(ending.error);
  CHECK(ending.error->said.find("failed to write metadata to") != std::string::npos);
  CHECK(ending.steps.size() == 2);
  CHECK(ending.steps[1].outcome == Outcome::failed);
  CHECK(programs(machine, "--zero-superblock").size() == 2);
  CHECK(programs(machine, "mkfs.xfs").empty());
  CHECK(ending.device.empty());
  // All blank again; with the drive mended the same run goes on.
  machine.superblocks_before_failure = -1;
  check_recovers(machine);
}

TEST_CASE("storage: mdadm succeeds by its exit code and no array appears (F27)") {
  StorageMachine machine(2);
  machine.failing["/usr/sbin/mdadm --create"] = {0, "", ""};
  const auto began = machine.clock.steady();
  const Ending ending = apply(plan_with(machine, fresh), machine.system());
  REQUIRE(ending.error);
  CHECK(ending.error->why == Why::timed_out);
  CHECK(machine.clock.steady() - began >= std::chrono::seconds(60));
  CHECK(machine.clock.steady() - began < std::chrono::seconds(62));
  CHECK(programs(machine, "--create").size() == 1);
  CHECK(programs(machine, "mkfs.xfs").empty());
}

TEST_CASE("storage: an array that says another UUID is not used") {
  StorageMachine machine(2);
  machine.failing["/usr/sbin/mdadm --detail"] = {
      0, "MD_LEVEL=raid0\nMD_DEVICES=2\nMD_UUID=11111111:22224333:84445555:55555555\n", ""};
  const Ending ending = apply(plan_with(machine, fresh), machine.system());
  REQUIRE(ending.error);
  CHECK(ending.error->why == Why::refused);
  CHECK(programs(machine, "mkfs.xfs").empty());
  machine.failing["/usr/sbin/mdadm --detail"] = {0, "garbage \xff\n=\n", ""};
  CHECK(apply(plan_with(machine, fresh), machine.system()).error);
}

TEST_CASE("storage: an old filesystem that reappears in the new array is kept, and the array taken apart") {
  StorageMachine machine(2);
  // Its beginning lies behind the data offset of the members: blank at all places that are looked at.
  machine.tree.file("/content", "");
  machine.tree.sparse("/content", 1U << 20U)
      .patch("/content", 0, test::xfs_superblock(other_uuid, "precious"));
  const Ending ending = apply(plan_with(machine, fresh), machine.system());
  REQUIRE(ending.error);
  CHECK(ending.error->said.find("already holds xfs") != std::string::npos);
  CHECK(programs(machine, "mkfs.xfs").empty());
  CHECK(programs(machine, "wipefs").empty());
  CHECK(programs(machine, "--stop").size() == 1);
  CHECK(machine.tree.read("/content").substr(108, 8) == "precious");
}

TEST_CASE("storage: mkfs.xfs fails: the reason is told, the next run tries again") {
  StorageMachine machine(2);
  machine.failing["/usr/sbin/mkfs.xfs"] = {1, "", "mkfs.xfs: pwrite failed: Input/output error\n"};
  const Ending ending = apply(plan_with(machine, fresh), machine.system());
  REQUIRE(ending.error);
  CHECK(ending.error->said.find("Input/output error") != std::string::npos);
  CHECK_FALSE(*machine.tree.files().exists("/run/fettle/cache"));
  machine.failing.clear();
  check_recovers(machine);
}

TEST_CASE("storage: a drive that was replugged or changed between look and write makes the plan void (F29)") {
  struct Row {
    const char* what;
    void (*happens)(StorageMachine&, unsigned);
  };
  const std::vector<Row> rows{
      {"another disk sequence number",
       [](StorageMachine& machine, unsigned i) {
         machine.tree.file("/sys/block/" + name_of(machine.drives[i]) + "/diskseq", "77\n");
       }},
      {"another serial",
       [](StorageMachine& machine, unsigned i) {
         machine.tree.file("/sys/block/" + name_of(machine.drives[i]) + "/device/serial", "NEW0001\n");
       }},
      {"gone", [](StorageMachine& machine,
                  unsigned i) { machine.tree.remove("/sys/block/" + name_of(machine.drives[i])); }},
      {"somebody wrote to it",
       [](StorageMachine& machine, unsigned i) {
         machine.tree.patch(machine.device(i), 0, test::xfs_superblock(other_uuid, "precious"));
       }},
      {"somebody opened it",
       [](StorageMachine& machine, unsigned i) { machine.tree.link("/proc/4711/fd/3", machine.device(i)); }},
  };
  for (const Row& row : rows) {
    for (const unsigned count : {1U, 2U}) {
      CAPTURE(row.what);
      CAPTURE(count);
      StorageMachine machine(count);
      const Plan planned = plan_with(machine, fresh);
      REQUIRE(is_good(planned));
      row.happens(machine, count - 1);
      const std::string before = machine.fingerprint();
      const Ending ending = apply(planned, machine.system());
      REQUIRE(ending.error);
      CHECK(ending.error->why == Why::refused);
      CHECK(machine.fingerprint() == before);
      CHECK(machine.ran.empty());
    }
  }
}

TEST_CASE("storage: without its intent on disk nothing is written to a drive (F51)") {
  StorageMachine machine(2);
  const Plan planned = plan_with(machine, fresh);
  // Stands in for a read-only root: there is a file where the directory belongs.
  machine.tree.file("/var/lib/fettle", "");
  const std::string before = machine.fingerprint();
  CHECK(plan_with(machine, fresh).verdict == Verdict::unknown);
  const Ending ending = apply(planned, machine.system());
  REQUIRE(ending.error);
  CHECK(ending.steps.size() == 1);
  CHECK(machine.ran.empty());
  CHECK(machine.fingerprint() == before);
}

TEST_CASE("storage: the steps of the plan say which drives they write to") {
  StorageMachine machine(2);
  for (const Step& step : plan_with(machine, fresh).steps) {
    const bool writes = step.act == Act::create_array || step.act == Act::make_filesystem;
    CHECK(step.destroys ==
          (writes ? std::vector<std::string>{"SN0001", "SN0002"} : std::vector<std::string>{}));
    CHECK_FALSE(step.says.empty());
  }
}

TEST_CASE("storage: UUIDs are written as mdadm writes them") {
  CHECK(as_mdadm("01234567-89ab-cdef-0123-456789abcdef") == "01234567:89abcdef:01234567:89abcdef");
  CHECK(as_mdadm("").empty());
}
