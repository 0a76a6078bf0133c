#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "base/names.h"
#include "cli/commands.h"
#include "storage/unit_files.h"
#include "support/source.h"
#include "support/storage_machine.h"
#include "support/ticking_clock.h"

using namespace fettle;
using fettle::test::StorageMachine;

namespace {

struct Answer {
  int code = 0;
  std::string out;
  std::string err;
};

Answer run(StorageMachine& machine, cli::Run command, const std::vector<std::string>& arguments,
           cli::Format format = cli::Format::text) {
  std::ostringstream out;
  std::ostringstream err;
  cli::Context context{machine.system(), format, out, err};
  const int code = command(context, arguments);
  return {code, out.str(), err.str()};
}

void configure(StorageMachine& machine, unsigned count) {
  for (const char* const table : {"gpus.yaml", "kernel-log.yaml", "compat/rocm.yaml"}) {
    std::ifstream in(fettle::test::source_dir().string() + "/profiles/" + table);
    std::stringstream text;
    text << in.rdbuf();
    machine.tree.file(std::string(names::shipped_profiles) + "/" + table, text.str());
  }
  machine.tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: test\n")
      .file(
          "/etc/fettle/profiles/test.yaml",
          "schema: 1\nkind: profile\nname: test\ncache:\n  path: /srv/fettle\n  wait_seconds: 1\n  drives:\n"
          "    models: [\"Microsoft NVMe Direct Disk*\"]\n    count: " +
              std::to_string(count) + "\n");
}

bool contains(const std::string& text, const std::string& word) {
  return text.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("cli storage: show and plan tell the drives and the steps, and write nothing") {
  StorageMachine machine(2);
  configure(machine, 2);
  const Answer show = run(machine, cli::run_storage, {});
  CHECK(show.code == 0);
  CHECK(contains(show.out, "all_blank: all 2 drives are blank"));
  CHECK(contains(show.out, "SN0002 blank\n    Microsoft NVMe Direct Disk v2, 2.0 MiB"));
  CHECK_FALSE(contains(show.out, "mdadm --create"));
  const Answer plan = run(machine, cli::run_storage, {"plan"});
  CHECK(plan.code == 0);
  CHECK(contains(plan.out, "writes to SN0001 SN0002"));
  CHECK(contains(plan.out, "/usr/sbin/mdadm --create /dev/md/fettle"));
  const auto json = parse_json(run(machine, cli::run_storage, {"plan"}, cli::Format::json).out, "it");
  REQUIRE(json);
  CHECK(json_text(*json, "verdict") == "all_blank");
  CHECK(json->at("steps").as_array().size() == 7);
  CHECK(machine.ran.empty());
  CHECK_FALSE(*machine.tree.files().exists("/run/fettle"));
}

TEST_CASE("cli storage: a refusal is exit code 2, with the drive, the reason and what to do") {
  StorageMachine machine(2);
  configure(machine, 2);
  machine.tree.patch(machine.device(1), 0, test::xfs_superblock(test::other_uuid, "pre\x1b[2J"));
  const Answer show = run(machine, cli::run_storage, {"show"});
  CHECK(show.code == 2);
  CHECK(contains(show.out,
                 "foreign: cannot provision the cache: Microsoft NVMe Direct Disk v2 SN0002 (nvme1n1): xfs"));
  CHECK(contains(show.out, "hint: "));
  CHECK_FALSE(contains(show.out, "\x1b"));
  const Answer json = run(machine, cli::run_storage, {"show"}, cli::Format::json);
  CHECK(json.code == 2);
  CHECK(json_text(*parse_json(json.out, "it"), "verdict") == "foreign");
  CHECK(run(machine, cli::run_storage, {"plan"}).code == 2);
}

TEST_CASE("cli: usage mistakes are 64, help is 0, a bad configuration 78") {
  StorageMachine machine(1);
  configure(machine, 1);
  for (const auto& words : std::vector<std::vector<std::string>>{{"erase"}, {"show", "plan"}, {"--force"}}) {
    CHECK(run(machine, cli::run_storage, words).code == 64);
  }
  for (const auto& words :
       std::vector<std::vector<std::string>>{{}, {"--boot", "--cache"}, {"--yes"}, {"--dry-run"}}) {
    CHECK(run(machine, cli::run_provision, words).code == 64);
  }
  CHECK(run(machine, cli::run_storage, {"--help"}).code == 0);
  CHECK(contains(run(machine, cli::run_provision, {"--help"}).out, "--dry-run"));
  CHECK(machine.ran.empty());
  machine.tree.file("/etc/fettle/fettle.yaml", "shelvs: 1\n");
  CHECK(run(machine, cli::run_storage, {}).code == 78);
  CHECK(run(machine, cli::run_provision, {"--boot"}).code == 78);
}

TEST_CASE("cli provision: it provisions, says what it did, and the second time nothing") {
  StorageMachine machine(2);
  configure(machine, 2);
  const Answer dry = run(machine, cli::run_provision, {"--boot", "--dry-run"});
  CHECK(dry.code == 0);
  CHECK(contains(dry.out, "mdadm --create"));
  CHECK(machine.ran.empty());
  const Answer first = run(machine, cli::run_provision, {"--boot"});
  CHECK(first.code == 0);
  CHECK(contains(first.out, "changed: create the RAID-0 array of 2 drives"));
  CHECK(first.err.empty());
  const Answer second = run(machine, cli::run_provision, {"--boot"});
  CHECK(second.code == 0);
  CHECK(second.out == "the cache of 2 drives is whole\n");
  const Answer json = run(machine, cli::run_provision, {"--boot"}, cli::Format::json);
  CHECK(json_text(*parse_json(json.out, "it"), "verdict") == "same");
  // Not mounted: the second phase refuses, on the error stream and by its code.
  const Answer cache = run(machine, cli::run_provision, {"--cache"});
  CHECK(cache.code == 2);
  CHECK(contains(cache.err, "nothing is mounted there"));
}

TEST_CASE("cli storage: every drive is explained, in a table or in lines of its own, within the terminal") {
  StorageMachine machine(2);
  configure(machine, 2);
  machine.tree.patch(machine.device(1), 0, test::xfs_superblock(test::other_uuid, "precious"));
  test::DriveSpec remote = machine.drives[0];
  remote.number = 8;
  remote.serial = "REMOTE0001";
  remote.model = test::azure_remote_model;
  add_drive(machine.tree, remote);
  for (const std::size_t width : {0U, 40U, 60U, 80U, 120U, 200U}) {
    CAPTURE(width);
    std::ostringstream out;
    std::ostringstream err;
    cli::Context context{machine.system(), cli::Format::text, out, err};
    context.width = width;
    CHECK(cli::run_storage(context, {}) == 2);
    const std::string page = out.str();
    const std::string table = page.substr(page.find("\n\n") + 2);
    CHECK(contains(table, "SERIAL") == (width > 100));
    for (const char* const word : {"SN0001", "may be taken", "'precious'", "REMOTE0001"})
      CHECK_MESSAGE(contains(table, word), word, " is not in:\n", table);
    std::istringstream rows(table);
    for (std::string row; std::getline(rows, row);) CHECK(row.size() <= std::max<std::size_t>(width, 40));
  }
}

TEST_CASE("cli storage: an order is a dry run until it names its plan and every drive") {
  StorageMachine machine(2);
  configure(machine, 2);
  REQUIRE(run(machine, cli::run_provision, {"--boot"}).code == 0);
  machine.ran.clear();
  const std::string before = machine.fingerprint();
  const Answer dry = run(machine, cli::run_storage, {"release"});
  CHECK(dry.code == 0);
  CHECK(contains(dry.out, "ALL DATA OF THE CACHE IS LOST"));
  const auto json = parse_json(run(machine, cli::run_storage, {"release"}, cli::Format::json).out, "it");
  REQUIRE(json);
  const std::string hash = json_text(*json, "plan");
  CHECK(contains(dry.out, "fettle storage release --drive SN0001 SN0002 --plan " + hash));
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"release", "--plan", hash},
           {"release", "--plan", hash, "--drive", "SN0001"},
           {"release", "--plan", hash, "--drive", "SN0001", "SN0002", "SN0003"},
           {"release", "--plan", "0123456789abcdef", "--drive", "SN0001", "SN0002"},
           {"recreate", "--plan", hash, "--drive", "SN0001", "SN0002"}}) {
    CHECK(run(machine, cli::run_storage, words).code == 2);
  }
  CHECK(run(machine, cli::run_storage, {"release", "--drive", "SN0001", "SN0002"}).code == 64);
  CHECK(run(machine, cli::run_storage, {"release", "--yes"}).code == 64);
  CHECK(machine.ran.empty());
  CHECK(machine.fingerprint() == before);
  const Answer done =
      run(machine, cli::run_storage, {"release", "--drive", "SN0002", "SN0001", "--plan", hash});
  CHECK(done.code == 0);
  CHECK(contains(done.out, "changed: empty 2 drives"));
  CHECK(contains(run(machine, cli::run_storage, {}).out, "all_blank: all 2 drives are blank"));
  const Answer again =
      run(machine, cli::run_storage, {"release", "--drive", "SN0001", "SN0002", "--plan", hash});
  CHECK(again.code == 2);
  CHECK(contains(again.err, "something changed since it was shown"));
}

TEST_CASE("cli storage: history tells the verdict of each boot and each order, once") {
  StorageMachine machine(2);
  configure(machine, 2);
  CHECK(run(machine, cli::run_storage, {"history"}).code == 2);
  for (int i = 0; i < 3; ++i) REQUIRE(run(machine, cli::run_provision, {"--boot"}).code == 0);
  machine.power_cycle();
  machine.tree.sparse(machine.device(1), test::small_drive);
  CHECK(run(machine, cli::run_provision, {"--boot"}).code == 2);
  const Answer history = run(machine, cli::run_storage, {"history"});
  CHECK(history.code == 0);
  CHECK(std::count(history.out.begin(), history.out.end(), '\n') == 3);
  CHECK(contains(history.out, "boot b0000000, provision: all_blank; blank SN0001 SN0002; array "));
  CHECK(contains(history.out, "provision: same; ours SN0001 SN0002"));
  CHECK(contains(history.out, "ours SN0001; blank SN0002; refused: "));
}

TEST_CASE("cli apply: services that are asked for wait for the cache; plan shows it, a second run is empty") {
  StorageMachine machine(1);
  configure(machine, 1);
  // Directory mode: nothing to mount, so that apply goes all the way.
  machine.tree
      .file("/etc/fettle/profiles/test.yaml",
            "schema: 1\nkind: profile\nname: test\ncache:\n  path: /srv/fettle\n")
      .file("/etc/fettle/fettle.yaml",
            "schema: 1\nkind: configuration\nprofile: test\nconsumers: [docker]\n");
  const std::string drop_in = "/etc/systemd/system/docker.service.d/50-fettle-cache.conf";
  const Answer before = run(machine, cli::run_plan, {});
  CHECK(contains(before.out, "write '" + drop_in + "': docker.service waits for the cache"));
  CHECK_FALSE(*machine.tree.files().exists(drop_in));
  const Answer first = run(machine, cli::run_apply, {});
  CHECK(first.code == 0);
  CHECK(contains(first.out, "changed: write '" + drop_in + "'"));
  CHECK(contains(machine.tree.read(drop_in), "RequiresMountsFor=/srv/fettle"));
  CHECK(contains(run(machine, cli::run_plan, {}).out, "nothing to do"));
  CHECK_FALSE(contains(run(machine, cli::run_apply, {}).out, drop_in));
  // Somebody's own file is told, and the rest is done all the same.
  machine.tree.file(drop_in, "[Unit]\n");
  const Answer foreign = run(machine, cli::run_apply, {});
  CHECK(foreign.code == 2);
  CHECK(contains(foreign.err, "it is somebody's own file"));
  CHECK(contains(run(machine, cli::run_plan, {}).out, "refused: cannot write '" + drop_in));
}

TEST_CASE(
    "cli generator: the units of another mount point, and none when the configuration cannot be followed") {
  StorageMachine machine(1);
  configure(machine, 1);
  const std::string mount = "/run/systemd/generator/data.mount";
  const std::vector<std::string> as_systemd_says{"/run/systemd/generator", "/run/early", "/run/late"};
  CHECK(run(machine, cli::run_generator, as_systemd_says).code == 0);
  CHECK_FALSE(*machine.tree.files().exists("/run/systemd"));
  const std::string at_data =
      "schema: 1\nkind: configuration\nprofile: test\ncache:\n  path: /data\n"
      "  drives: {models: [x], count: 1}\n";
  machine.tree.file("/etc/fettle/fettle.yaml", at_data + "shelvs: 1\n");
  CHECK(run(machine, cli::run_generator, as_systemd_says).code == 78);
  machine.tree.file("/etc/fettle/fettle.yaml", at_data).file("/etc/fstab", "/dev/sdb /data ext4 x 0 2\n");
  const Answer taken = run(machine, cli::run_generator, as_systemd_says);
  CHECK(taken.code == 2);
  CHECK(contains(taken.err, "'/etc/fstab' (line 1) mounts something else there"));
  CHECK_FALSE(*machine.tree.files().exists("/run/systemd"));
  machine.tree.remove("/etc/fstab");
  CHECK(run(machine, cli::run_generator, as_systemd_says).code == 0);
  CHECK(contains(machine.tree.read(mount), "Where=/data\n"));
  CHECK_FALSE(*machine.tree.files().exists("/run/early"));
  CHECK(run(machine, cli::run_generator, {}).code == 64);
}

TEST_CASE(
    "cli apply: the mount point of an earlier configuration goes when it is bare, and plan says so first") {
  StorageMachine machine(1);
  configure(machine, 1);
  machine.tree.file("/var/lib/fettle/provision/mount-points", "/old\n").directory("/old");
  machine.tree.file("/etc/fettle/profiles/test.yaml",
                    "schema: 1\nkind: profile\nname: test\ncache:\n  path: /srv/fettle\n");
  CHECK(contains(run(machine, cli::run_plan, {}).out, "remove the bare mount point '/old'"));
  CHECK(*machine.tree.files().exists("/old"));
  const Answer done = run(machine, cli::run_apply, {});
  CHECK(done.code == 0);
  CHECK(contains(done.out, "changed: remove the bare mount point '/old'"));
  CHECK_FALSE(*machine.tree.files().exists("/old"));
  CHECK(contains(run(machine, cli::run_plan, {}).out, "nothing to do"));
}

TEST_CASE("cli storage: release takes the drop-ins of services away, or they could not start any more") {
  StorageMachine machine(2);
  configure(machine, 2);
  const std::string drop_in = "/etc/systemd/system/docker.service.d/50-fettle-cache.conf";
  REQUIRE(run(machine, cli::run_provision, {"--boot"}).code == 0);
  machine.tree.file(drop_in, std::string(storage::our_first_line) + "\n[Unit]\n");
  const auto json = parse_json(run(machine, cli::run_storage, {"release"}, cli::Format::json).out, "it");
  REQUIRE(json);
  CHECK(*machine.tree.files().exists(drop_in));
  const Answer done = run(machine, cli::run_storage,
                          {"release", "--drive", "SN0001", "SN0002", "--plan", json_text(*json, "plan")});
  CHECK(done.code == 0);
  CHECK(contains(done.out, "changed: remove '" + drop_in + "'"));
  CHECK_FALSE(*machine.tree.files().exists(drop_in));
}

TEST_CASE("cli apply: places lead onto the cache, what is in the way is told, a second run is empty") {
  StorageMachine machine(1);
  configure(machine, 1);
  const std::string profile =
      "schema: 1\nkind: profile\nname: test\ncache:\n  path: /srv/fettle\n"
      "caches: [{name: docker, why: images}]\n";
  machine.tree.file("/etc/fettle/profiles/test.yaml", profile)
      .file("/etc/fettle/fettle.yaml",
            "schema: 1\nkind: configuration\nprofile: test\n"
            "places: [{path: /var/lib/docker, cache: docker}, {path: /data/docker, cache: docker, as: "
            "link}]\n");
  const Answer before = run(machine, cli::run_plan, {});
  CHECK(contains(before.out, "'/srv/fettle/docker' is mounted on '/var/lib/docker' with the cache"));
  CHECK(contains(before.out, "make the link '/data/docker' to '/srv/fettle/docker'"));
  const Answer first = run(machine, cli::run_apply, {});
  CHECK(first.code == 0);
  CHECK(contains(first.out, "changed: make the link '/data/docker'"));
  CHECK(*machine.tree.files().read_link("/data/docker") == "/srv/fettle/docker");
  CHECK(*machine.tree.files().exists("/etc/systemd/system/var-lib-docker.mount"));
  CHECK(contains(run(machine, cli::run_plan, {}).out, "nothing to do"));
  machine.tree.remove("/data/docker").file("/data/docker/overlay2/x");
  const Answer full = run(machine, cli::run_apply, {});
  CHECK(full.code == 2);
  CHECK(contains(full.err, "it holds somebody's files ('overlay2')"));
}

TEST_CASE("cli storage: bench prints its figures, for machines too, and refuses a cache without room") {
  StorageMachine machine(1);
  configure(machine, 1);
  const auto want = [&](const std::string& reserve) {
    machine.tree.file(
        "/etc/fettle/profiles/test.yaml",
        "schema: 1\nkind: profile\nname: test\ncache:\n  path: /srv/fettle\n  reserve: " + reserve + "\n");
  };
  const test::TickingClock clock(std::chrono::seconds(1));
  const auto measure = [&](cli::Format format) {
    std::ostringstream out;
    std::ostringstream err;
    test::TickingClock ticking = clock;
    cli::Context context{{machine.tree.files(), machine, ticking}, format, out, err};
    const int code = cli::run_storage(context, {"bench"});
    return Answer{code, out.str(), err.str()};
  };
  want("900 TiB");
  const Answer full = measure(cli::Format::text);
  CHECK(full.code == 2);
  CHECK(contains(full.err, "cannot measure the cache"));
  if (machine.tree.files().space("/srv/fettle")->available < 1_GiB) {
    MESSAGE("skipped: the directory of the tests has less than 1 GiB free");
    return;
  }
  want("1 B");
  const Answer page = measure(cli::Format::text);
  CHECK(page.code == 0);
  CHECK(contains(page.out, "cache  /srv/fettle\nwrite  8.0 MiB/s, 64.0 MiB in 8000 ms\n"));
  CHECK(contains(page.out, "sync   1000000 us"));
  const auto json = parse_json(measure(cli::Format::json).out, "it");
  REQUIRE(json);
  CHECK(json_count(*json, "sync_microseconds") == 1000000);
  CHECK(machine.tree.files().list("/srv/fettle")->empty());
}
