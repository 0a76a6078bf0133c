// Taking a cache of ours apart: what an operator consents to, what a profile may allow, and what is left when
// it is cut off.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/names.h"
#include "storage/consent.h"
#include "storage/plan_support.h"
#include "system/step_point.h"

using namespace fettle;
using namespace fettle::storage;

namespace {

const Fresh later{"dddddddd-0000-4000-8000-000000000001", "eeeeeeee-0000-4000-8000-000000000002",
                  "ffffffff-0000-4000-8000-000000000003"};

Plan plan_for(StorageMachine& machine, Verb verb, const Fresh& names = later) {
  return plan(look_at(machine), machine.profile, names, verb);
}

std::string hash_for(StorageMachine& machine, Verb verb, const Fresh& names = later) {
  const Sight sight = look_at(machine);
  return hash_of(sight, plan(sight, machine.profile, names, verb), verb);
}

// A machine with a provisioned cache that holds data, nothing mounted.
void make_cache(StorageMachine& machine) {
  REQUIRE_FALSE(provision(machine).error);
  machine.ran.clear();
}

// A member was replaced by a blank drive while the machine was off.
void replace(StorageMachine& machine, unsigned drive, const std::string& serial) {
  machine.power_cycle();
  machine.tree.sparse(machine.device(drive), test::small_drive);
  machine.drives[drive].serial = serial;
  machine.replug();
}

bool all_blank(StorageMachine& machine) {
  for (unsigned i = 0; i < machine.drives.size(); ++i) {
    const auto blank =
        system::is_blank(machine.tree.files(), machine.device(i), Bytes{machine.drives[i].bytes});
    REQUIRE(blank);
    if (!*blank) return false;
  }
  return true;
}

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

}  // namespace

TEST_CASE("storage: release leaves blank drives, no record and no link, and a second one has nothing to do") {
  for (const unsigned count : {1U, 3U}) {
    CAPTURE(count);
    StorageMachine machine(count);
    make_cache(machine);
    machine.tree.patch(machine.device(0), 1'500'000, "data of models");
    const Plan planned = plan_for(machine, Verb::release);
    REQUIRE_MESSAGE(is_good(planned), planned.says);
    CHECK(planned.verdict == Verdict::same);
    CHECK(drives_written(planned).size() == count);
    const Ending ending = apply(planned, machine.system());
    REQUIRE_MESSAGE(!ending.error, ending.error->said);
    CHECK(all_blank(machine));
    CHECK_FALSE(*machine.tree.files().exists(names::storage_record));
    CHECK_FALSE(*machine.tree.files().exists("/run/fettle/cache"));
    CHECK(machine.ran.size() == (count == 1 ? 0 : 1));  // mdadm --stop, and nothing else
    CHECK(plan_for(machine, Verb::release).steps.empty());
    // What is blank becomes a cache again, as after a deallocation.
    CHECK(plan_of(machine).verdict == Verdict::all_blank);
    CHECK(is_good(plan_of(machine)));
  }
}

TEST_CASE("storage: recreate makes a new cache of the old one's drives, with new UUIDs") {
  for (const unsigned count : {1U, 3U}) {
    CAPTURE(count);
    StorageMachine machine(count);
    make_cache(machine);
    const Plan planned = plan_for(machine, Verb::recreate);
    REQUIRE_MESSAGE(is_good(planned), planned.says);
    CHECK(drives_written(planned).size() == count);
    const Ending ending = apply(planned, machine.system());
    REQUIRE_MESSAGE(!ending.error, ending.error->said);
    const auto record = read_record(machine.tree.files());
    REQUIRE(record);
    CHECK(record->filesystem_uuid == later.filesystem_uuid);
    CHECK(record->progress == Progress::done);
    CHECK(plan_of(machine).verdict == Verdict::same);
    CHECK(plan_of(machine).steps.empty());
  }
}

TEST_CASE("storage: with some drives replaced only an operator, or the profile, makes a new cache (F24)") {
  StorageMachine machine(3);
  make_cache(machine);
  replace(machine, 1, "NEW0001");
  const std::string before = machine.fingerprint();
  const Plan refused = plan_of(machine);
  CHECK(refused.verdict == Verdict::some_replaced);
  REQUIRE(refused.refusal);
  CHECK(refused.refusal->hint.find("fettle storage recreate") != std::string::npos);
  CHECK(machine.fingerprint() == before);
  Plan planned;
  SUBCASE("the operator asks for it") {
    planned = plan_for(machine, Verb::recreate);
  }
  SUBCASE("the profile says on_partial_loss: rebuild") {
    machine.profile.cache->drives->on_partial_loss = profile::OnPartialLoss::rebuild;
    planned = plan_for(machine, Verb::provision);
  }
  REQUIRE_MESSAGE(is_good(planned), planned.says);
  CHECK(planned.verdict == Verdict::some_replaced);
  CHECK(drives_written(planned) == std::vector<std::string>{"NEW0001", "SN0001", "SN0003"});
  for (const Step& step : planned.steps) {
    if (step.act == Act::erase_drives) CHECK(step.destroys == std::vector<std::string>{"SN0001", "SN0003"});
  }
  const Ending ending = apply(planned, machine.system());
  REQUIRE_MESSAGE(!ending.error, ending.error->said);
  CHECK(plan_of(machine).verdict == Verdict::same);
}

TEST_CASE(
    "storage: no policy and no order empties a drive that is foreign, unreadable, in use or of another "
    "cache") {
  struct Row {
    const char* what;
    void (*happens)(StorageMachine&);
  };
  const std::vector<Row> rows{
      {"foreign",
       [](StorageMachine& machine) {
         machine.tree.patch(machine.device(1), 0, test::xfs_superblock(other_uuid, "precious"));
       }},
      {"unreadable",
       [](StorageMachine& machine) {
         machine.tree.remove(machine.device(1)).link(machine.device(1), "/nowhere");
       }},
      {"open", [](StorageMachine& machine) { machine.tree.link("/proc/4711/fd/3", machine.device(1)); }},
      {"of another cache",
       [](StorageMachine& machine) { machine.put_array_member(1, other_uuid, "any:fettle", 3); }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    StorageMachine machine(3);
    make_cache(machine);
    replace(machine, 1, "NEW0001");
    row.happens(machine);
    machine.profile.cache->drives->on_partial_loss = profile::OnPartialLoss::rebuild;
    const std::string before = machine.fingerprint();
    for (const Verb verb : {Verb::provision, Verb::apply, Verb::recreate}) {
      const Plan planned = plan_for(machine, verb);
      CHECK_FALSE(is_good(planned));
      CHECK(planned.steps.empty());
      CHECK(apply(planned, machine.system()).steps.empty());
    }
    CHECK(machine.fingerprint() == before);
    CHECK(machine.ran.empty());
  }
}

TEST_CASE("storage: release leaves drives alone that are not ours, and says so") {
  StorageMachine machine(3);
  make_cache(machine);
  replace(machine, 1, "NEW0001");
  machine.tree.patch(machine.device(1), 0, test::xfs_superblock(other_uuid, "precious"));
  const Plan planned = plan_for(machine, Verb::release);
  REQUIRE(is_good(planned));
  CHECK(drives_written(planned) == std::vector<std::string>{"SN0001", "SN0003"});
  REQUIRE(planned.warnings.size() == 2);  // the missing one, and the foreign one
  REQUIRE_FALSE(apply(planned, machine.system()).error);
  CHECK(system::probe(machine.tree.files(), machine.device(1))->label == "precious");
}

TEST_CASE("storage: a cache in use is not taken apart") {
  StorageMachine machine(2);
  make_cache(machine);
  add_mount(machine.tree, "9:127", "/dev/md127", "/srv/fettle", "xfs");
  for (const Verb verb : {Verb::recreate, Verb::release}) {
    const Plan planned = plan_for(machine, verb);
    REQUIRE(planned.refusal);
    CHECK(planned.steps.empty());
    CHECK(planned.refusal->said.find("mounted on /srv/fettle") != std::string::npos);
    CHECK(planned.refusal->hint.find("systemctl stop srv-fettle.mount") != std::string::npos);
  }
}

TEST_CASE("storage: a cache without a record is taken apart by its own UUID only") {
  StorageMachine machine(3);
  make_cache(machine);
  machine.power_cycle();
  machine.tree.remove("/var/lib/fettle");
  machine.tree.sparse(machine.device(2), test::small_drive);
  CHECK(plan_of(machine).verdict == Verdict::some_replaced);
  machine.profile.cache->drives->on_partial_loss = profile::OnPartialLoss::rebuild;
  CHECK_FALSE(is_good(plan_of(machine)));  // nobody says that these were ever this machine's
  const Plan planned = plan_for(machine, Verb::release);
  REQUIRE(is_good(planned));
  CHECK(planned.old->array_uuid == fresh.array_uuid);
  CHECK(drives_written(planned) == std::vector<std::string>{"SN0001", "SN0002"});
  if (system::has_step_points()) {
    REQUIRE(run_in_child(machine, planned, "unmark SN0002") == SIGKILL);
    CHECK(plan_of(machine).verdict == Verdict::releasing);
  }
  REQUIRE_FALSE(apply(plan_for(machine, Verb::release), machine.system()).error);
  CHECK(all_blank(machine));
}

TEST_CASE("storage: a drive that changes between look and write is not emptied (F29)") {
  struct Row {
    const char* what;
    void (*happens)(StorageMachine&);
  };
  const std::vector<Row> rows{
      {"plugged in again",
       [](StorageMachine& machine) {
         machine.tree.file("/sys/block/" + name_of(machine.drives[0]) + "/diskseq", "77\n");
       }},
      {"another array's member now",
       [](StorageMachine& machine) { machine.put_array_member(0, other_uuid, "other:data", 2); }},
      {"somebody opened it",
       [](StorageMachine& machine) { machine.tree.link("/proc/4711/fd/3", machine.device(0)); }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    StorageMachine machine(2);
    make_cache(machine);
    const Plan planned = plan_for(machine, Verb::release);
    REQUIRE(is_good(planned));
    row.happens(machine);
    const std::string before = machine.fingerprint();
    const Ending ending = apply(planned, machine.system());
    REQUIRE(ending.error);
    CHECK(machine.fingerprint() == before);
  }
}

TEST_CASE(
    "storage: killed at any point of release or recreate, every drive is ours or blank, and it ends well "
    "(F47)") {
  if (!system::has_step_points()) {
    MESSAGE("skipped: built without step points");
    return;
  }
  unsigned deaths = 0;
  for (const Verb verb : {Verb::release, Verb::recreate}) {
    for (const unsigned count : {1U, 3U}) {
      for (unsigned point = 1;; ++point) {
        CAPTURE(static_cast<int>(verb));
        CAPTURE(count);
        CAPTURE(point);
        StorageMachine machine(count);
        make_cache(machine);
        machine.tree.patch(machine.device(0), 1'500'000, "data of models");
        const int signal = run_in_child(machine, plan_for(machine, verb), std::to_string(point));
        if (signal == 0) {
          CHECK(point > (verb == Verb::release ? 5 : 9));
          break;
        }
        REQUIRE(signal == SIGKILL);
        ++deaths;
        if (point % 2 == 0) machine.power_cycle();
        // The boot never empties a drive by itself, and never takes a half emptied cache for a whole one.
        const std::string before = machine.fingerprint();
        const Plan at_boot = plan_of(machine);
        for (const Step& step : at_boot.steps) CHECK(step.act != Act::erase_drives);
        if (at_boot.verdict == Verdict::releasing) CHECK_FALSE(is_good(at_boot));
        CHECK(machine.fingerprint() == before);
        // The operator says it again; by then provisioning may have gone on.
        if (at_boot.verdict == Verdict::resume) REQUIRE_FALSE(apply(at_boot, machine.system()).error);
        const Plan again = plan_for(machine, verb, fresh);
        REQUIRE_MESSAGE(is_good(again), again.says);
        const Ending ending = apply(again, machine.system());
        REQUIRE_MESSAGE(!ending.error, ending.error->said);
        if (verb == Verb::release) {
          CHECK(all_blank(machine));
          CHECK_FALSE(*machine.tree.files().exists(names::storage_record));
        } else {
          CHECK(plan_of(machine).verdict == Verdict::same);
        }
      }
    }
  }
  CHECK(deaths > 30);
}

TEST_CASE("storage: with `rebuild` a boot finishes what a cut-off rebuild began") {
  if (!system::has_step_points()) {
    MESSAGE("skipped: built without step points");
    return;
  }
  for (const char* const point : {"erase SN0001", "unmark SN0001", "erase SN0003", "write_intent"}) {
    CAPTURE(point);
    StorageMachine machine(3);
    make_cache(machine);
    replace(machine, 1, "NEW0001");
    machine.profile.cache->drives->on_partial_loss = profile::OnPartialLoss::rebuild;
    REQUIRE(run_in_child(machine, plan_for(machine, Verb::provision), point) == SIGKILL);
    const Plan again = plan_for(machine, Verb::provision, fresh);
    REQUIRE_MESSAGE(is_good(again), again.says);
    REQUIRE_FALSE(apply(again, machine.system()).error);
    CHECK(plan_of(machine).verdict == Verdict::same);
  }
}

TEST_CASE("storage: policies that say report hold the boot back, not the operator") {
  StorageMachine machine(2);
  machine.profile.cache->drives->on_all_blank = profile::OnAllBlank::report;
  check_refused(machine, Verdict::all_blank, {"on_all_blank: report"});
  CHECK(is_good(plan_for(machine, Verb::apply)));
  machine.profile.cache->drives->on_all_blank = profile::OnAllBlank::create;
  make_cache(machine);
  machine.power_cycle();
  machine.tree.remove("/var/lib/fettle");
  machine.profile.cache->drives->on_os_reimaged = profile::OnOsReimaged::report;
  check_refused(machine, Verdict::os_reimaged, {"on_os_reimaged: report"});
  CHECK(is_good(plan_for(machine, Verb::apply)));
}

TEST_CASE("storage: a plan's hash is the same for the same state, and changes with whatever it rests on") {
  StorageMachine machine(2);
  make_cache(machine);
  const std::string hash = hash_for(machine, Verb::release);
  CHECK(hash.size() == 16);
  CHECK(hash_for(machine, Verb::release, fresh) == hash);  // freshly chosen UUIDs are not in it
  CHECK(hash_for(machine, Verb::recreate) != hash);
  std::set<std::string> seen{hash};
  const auto differs = [&] { return seen.insert(hash_for(machine, Verb::release)).second; };
  machine.tree.file("/sys/block/" + name_of(machine.drives[0]) + "/diskseq", "77\n");
  CHECK(differs());
  add_mount(machine.tree, "9:127", "/dev/md127", "/somewhere", "xfs");
  CHECK(differs());
  machine.drives[1].serial = "NEW0001";
  machine.replug();
  CHECK(differs());
  machine.tree.patch(machine.device(1), 4096, std::string(4096, '\0'));
  CHECK(differs());
  machine.tree.patch(machine.device(1), 0, test::xfs_superblock(other_uuid, "precious"));
  CHECK(differs());
}

TEST_CASE("storage: consent names the plan of now and exactly its drives") {
  StorageMachine machine(2);
  make_cache(machine);
  const Plan planned = plan_for(machine, Verb::release);
  CHECK(check({"abc", {"SN0002", "SN0001"}}, planned, "abc"));
  CHECK_FALSE(check({"", {"SN0001", "SN0002"}}, planned, ""));
  CHECK_FALSE(check({"abd", {"SN0001", "SN0002"}}, planned, "abc"));
  CHECK(check({"abc", {"SN0001"}}, planned, "abc").error().said.find("SN0002") != std::string::npos);
  CHECK(check({"abc", {"SN0001", "SN0002", "SN0003"}}, planned, "abc").error().said.find("SN0003") !=
        std::string::npos);
  CHECK_FALSE(check({"abc", {"SN0001", "SN0001", "SN0002"}}, planned, "abc"));
  CHECK_FALSE(check({"abc", {}}, planned, "abc"));
}

TEST_CASE(
    "storage: a drive of the cache that does not answer, or a broken array, is dead and not foreign (F08, "
    "F21)") {
  StorageMachine machine(3);
  make_cache(machine);
  machine.power_cycle();
  machine.tree.remove(machine.device(1)).link(machine.device(1), "/nowhere");
  const Plan planned = plan_of(machine);
  CHECK(planned.verdict == Verdict::dead);
  REQUIRE(planned.refusal);
  CHECK(planned.refusal->said.find("SN0002") != std::string::npos);
  CHECK(planned.steps.empty());
  // Beside a foreign drive it is that one which counts.
  machine.tree.patch(machine.device(2), 0, test::xfs_superblock(other_uuid, "precious"))
      .patch(machine.device(2), 4096, std::string(4096, '\0'));
  CHECK(plan_of(machine).verdict == Verdict::foreign);
}
