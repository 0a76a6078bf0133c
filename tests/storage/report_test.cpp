#include "storage/report.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "base/names.h"
#include "support/storage_machine.h"

using namespace fettle;
using namespace fettle::storage;
using fettle::test::StorageMachine;

namespace {

const Fresh fresh{"aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002",
                  "cccccccc-0000-4000-8000-000000000003"};

Plan plan_of(StorageMachine& machine) {
  const auto sight = look(facts::gather(machine.tree.files()), *machine.profile.cache, machine.tree.files(),
                          Depth::thorough);
  return plan(sight, machine.profile, fresh);
}

// A machine that was provisioned and mounted, with the report of both phases.
Report provision(StorageMachine& machine) {
  const Plan planned = plan_of(machine);
  Report report = report_of(planned, apply(planned, machine.system()), machine.profile);
  report.cache.status = Status::pass;
  report.cache.says = "the cache on '/srv/fettle' is ready";
  add_mount(machine.tree, "9:127", "/dev/md127", "/srv/fettle", "xfs");
  return report;
}

Finding finding(StorageMachine& machine, const Result<Report>& report, const std::string& id) {
  for (const NamedFinding& named :
       findings(report, facts::gather(machine.tree.files()), machine.profile, machine.clock.now())) {
    if (named.id == id) return named.finding;
  }
  FAIL("no finding ", id);
  return {};
}

}  // namespace

TEST_CASE("report: what is written is read back") {
  StorageMachine machine(2);
  Report report = provision(machine);
  report.boot.at = machine.clock.now();
  report.boot.duration = std::chrono::milliseconds(1234);
  CHECK(*write_report(machine.tree.files(), report) == Outcome::changed);
  CHECK(machine.tree.files().look(names::provision_report)->mode == 0644);
  const auto back = read_report(machine.tree.files());
  REQUIRE(back);
  CHECK(to_json(*back) == to_json(report));
  CHECK(back->verdict == "all_blank");
  CHECK(back->boot.status == Status::pass);
  CHECK(back->boot.at == machine.clock.now());
  CHECK(back->boot.steps.size() == 7);
  CHECK(back->device == "/dev/md127");
  CHECK(back->array_uuid == fresh.array_uuid);
  CHECK(back->generation == fresh.generation);
  REQUIRE(back->drives.size() == 2);
  CHECK(back->drives[1].serial == "SN0002");
  CHECK(back->drives[1].role == "ours");
}

TEST_CASE("report: a refusal names every drive with its reason") {
  StorageMachine machine(2);
  machine.tree.patch(machine.device(1), 0, test::xfs_superblock(test::other_uuid, "precious"));
  const Report report = report_of(plan_of(machine), {}, machine.profile);
  CHECK(report.verdict == "foreign");
  CHECK(report.boot.status == Status::fail);
  CHECK(report.boot.says.find("SN0002") != std::string::npos);
  CHECK_FALSE(report.boot.hint.empty());
  CHECK(report.device.empty());
  CHECK(report.drives[0].role == "blank");
  CHECK(report.drives[1].role == "foreign");
  CHECK(report.drives[1].why == "xfs 'precious'");
}

TEST_CASE("report: hostile and half reports are errors or unknown, never good news") {
  for (const char* const text : {"", "{", "[]", "7", "{\"format\": 2}", "{\"format\": \"1\"}"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_report(text));
  }
  const auto odd = parse_report(
      R"({"format": 1, "boot": [], "cache": {"status": "splendid", "steps": [1, {}], "warnings": [2]},
                                   "drives": [null, {"serial": 7}], "device": {}})");
  REQUIRE(odd);
  CHECK(odd->boot.status == Status::unknown);
  CHECK(odd->cache.status == Status::unknown);
  StorageMachine machine(2);
  CHECK(finding(machine, odd, "cache.provisioned").status == Status::unknown);
  CHECK(finding(machine, odd, "cache.array").status == Status::unknown);
}

TEST_CASE("findings: a provisioned and mounted cache passes") {
  StorageMachine machine(2);
  const Report report = provision(machine);
  CHECK(finding(machine, report, "cache.provisioned").status == Status::pass);
  CHECK(finding(machine, report, "cache.mounted").status == Status::pass);
  CHECK(finding(machine, report, "cache.array").status == Status::pass);
  CHECK(finding(machine, report, "cache.array").says == "md127 is clean, 2 drives");
}

TEST_CASE("findings: without a report it is unknown, after a refusal it fails with the reason") {
  StorageMachine machine(2);
  const auto none = read_report(machine.tree.files());
  CHECK(finding(machine, none, "cache.provisioned").status == Status::unknown);
  CHECK_FALSE(finding(machine, none, "cache.provisioned").hint.empty());
  CHECK(finding(machine, none, "cache.array").status == Status::unknown);
  CHECK(finding(machine, none, "cache.mounted").status == Status::unknown);
  machine.profile.cache->drives->count = 8;
  const Report refused = report_of(plan_of(machine), {}, machine.profile);
  const Finding provisioned = finding(machine, refused, "cache.provisioned");
  CHECK(provisioned.status == Status::fail);
  CHECK(provisioned.says.find("2 of 8") != std::string::npos);
}

TEST_CASE("findings: the cache phase that has not run is unknown, its failure fails") {
  StorageMachine machine(2);
  Report report = provision(machine);
  report.cache = {};
  CHECK(finding(machine, report, "cache.provisioned").status == Status::unknown);
  report.cache.status = Status::fail;
  report.cache.says = "cannot use it";
  CHECK(finding(machine, report, "cache.provisioned").status == Status::fail);
  CHECK(finding(machine, report, "cache.provisioned").says == "cannot use it");
}

TEST_CASE("findings: mounts that are missing, of others, or read-only fail") {
  StorageMachine machine(2);
  const Report report = provision(machine);
  const std::string root = "25 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
  machine.tree.file("/proc/self/mountinfo", root);
  CHECK(finding(machine, report, "cache.mounted").status == Status::fail);
  machine.tree.file("/proc/self/mountinfo", root);
  add_mount(machine.tree, "8:17", "/dev/sdb1", "/srv/fettle");
  CHECK(finding(machine, report, "cache.mounted").says.find("/dev/sdb1") != std::string::npos);
  machine.tree.file("/proc/self/mountinfo", root);
  machine.tree.file("/proc/self/mountinfo",
                    root + "36 1 9:127 / /srv/fettle rw,relatime shared:1 - xfs /dev/md127 ro\n");
  CHECK(finding(machine, report, "cache.mounted").status == Status::fail);
  // ProtectSystem=strict, as the daemon sees it after a restart.
  machine.tree.file("/proc/self/mountinfo",
                    root + "36 1 9:127 / /srv/fettle ro,relatime shared:1 - xfs /dev/md127 rw\n");
  CHECK(finding(machine, report, "cache.mounted").status == Status::pass);
  machine.tree.remove("/proc/self/mountinfo");
  CHECK(finding(machine, report, "cache.mounted").status == Status::unknown);
}

TEST_CASE("findings: an array that broke (F21), lost a drive, or is gone (F22) fails") {
  StorageMachine broken(2);
  const Report report = provision(broken);
  broken.tree.file("/sys/devices/virtual/block/md127/md/array_state", "broken\n");
  CHECK(finding(broken, report, "cache.array").says == "md127 is broken");
  CHECK(finding(broken, report, "cache.array").status == Status::fail);

  StorageMachine lost(2);
  const Report before = provision(lost);
  lost.tree.remove("/sys/block/nvme1n1");
  const Finding gone = finding(lost, before, "cache.array");
  CHECK(gone.status == Status::fail);
  CHECK(gone.says.find("SN0002") != std::string::npos);

  StorageMachine stopped(2);
  const Report earlier = provision(stopped);
  stopped.stop_array();
  CHECK(finding(stopped, earlier, "cache.array").status == Status::fail);
  CHECK(finding(stopped, earlier, "cache.array").says == "the array /dev/md127 is gone");
}

TEST_CASE("findings: directory mode and no cache") {
  StorageMachine machine(0);
  machine.profile.cache->drives.reset();
  Report report;
  report.verdict = "directory";
  report.boot.status = Status::pass;
  report.cache.status = Status::pass;
  CHECK(finding(machine, report, "cache.provisioned").status == Status::pass);
  CHECK(finding(machine, report, "cache.mounted").status == Status::not_applicable);
  CHECK(finding(machine, report, "cache.array").status == Status::not_applicable);
  machine.profile.cache.reset();
  CHECK(finding(machine, report, "cache.provisioned").status == Status::not_applicable);
}

TEST_CASE("findings: free space against the reserve") {
  profile::Profile profile;
  const auto now = std::chrono::system_clock::time_point{};
  CHECK(space_finding(system::Space{}, {}, profile, now).finding.status == Status::not_applicable);
  profile.cache.emplace();
  profile.cache->reserve = 100_GiB;
  CHECK(space_finding(system::Space{1000_GiB, 100_GiB, 1}, {}, profile, now).finding.status == Status::pass);
  const NamedFinding little = space_finding(system::Space{1000_GiB, 99_GiB, 1}, {}, profile, now);
  CHECK(little.id == "cache.space");
  CHECK(little.finding.status == Status::warn);
  CHECK(little.finding.says == "99.0 GiB are free, less than the reserve of 100.0 GiB");
  // What could go is said as far as it was measured, the fullest first.
  facts::CacheUsage usage;
  usage.directories = {{"uv", system::Usage{12_GiB, 9, true}, {}, {}},
                       {"hf", system::Usage{800_GiB, 9, true}, {}, {}},
                       {"triton", fail(Why::missing, "not there"), {}, {}}};
  facts::Facts facts;
  facts.cache_usage = usage;
  const NamedFinding full = space_finding(system::Space{1000_GiB, 99_GiB, 1}, facts, profile, now);
  CHECK(full.finding.hint.find("most lies in hf (800.0 GiB), uv (12.0 GiB)") != std::string::npos);
  // A directory's own reserve counts until it is used.
  profile.cache->reserve = 90_GiB;
  profile.caches.resize(1);
  profile.caches[0].name = "uv";
  profile.caches[0].reserve = 20_GiB;
  CHECK(space_finding(system::Space{1000_GiB, 99_GiB, 1}, facts, profile, now).finding.status ==
        Status::pass);
  CHECK(space_finding(system::Space{1000_GiB, 97_GiB, 1}, facts, profile, now).finding.status ==
        Status::warn);
  CHECK(space_finding(fail(Why::missing, "cannot look"), {}, profile, now).finding.status == Status::unknown);
}

TEST_CASE("plan: the page for machines has each step with its command and what it writes to") {
  StorageMachine machine(2);
  const auto page = describe(plan_of(machine));
  CHECK(page.at("verdict") == "all_blank");
  CHECK(page.at("status") == "pass");
  REQUIRE(page.at("steps").as_array().size() == 7);
  const auto& create = page.at("steps").at(1);
  CHECK(json_text(create, "act") == "create_array");
  CHECK(json_text(create, "command").find("mdadm --create") != std::string::npos);
  CHECK(create.at("destroys").as_array().size() == 2);
  CHECK(page.at("drives").at(0).at("role") == "blank");
}
