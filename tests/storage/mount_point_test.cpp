// Where the cache is mounted when the configuration names another place than the package's.
#include "storage/mount_point.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/names.h"
#include "facts/readers.h"
#include "storage/mount_units.h"
#include "storage/plan_support.h"
#include "support/source.h"

using namespace fettle;
using namespace fettle::storage;
using fettle::test::StorageMachine;

namespace {

profile::Cache elsewhere(const std::string& path = "/data") {
  profile::Cache cache;
  cache.path = path;
  cache.said_at = "/etc/fettle/fettle.yaml:5:9";
  cache.drives.emplace();
  return cache;
}

profile::Profile wanting(const std::optional<profile::Cache>& cache) {
  profile::Profile profile;
  profile.cache = cache;
  return profile;
}

std::optional<Error> why_not(const test::Tree& tree, const profile::Cache& cache) {
  return why_not_mounted_there(cache, facts::read_mounts(tree.files()), tree.files());
}

test::Tree& with_root(test::Tree& tree) {
  test::add_mount(tree, "8:1", "/dev/sda1", "/");
  return tree;
}

std::string text_of(const std::vector<UnitFile>& files, const std::string& path) {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const UnitFile& file) { return file.path == path; });
  return found == files.end() ? "there is no " + path : found->content;
}

bool holds(const std::string& text, const std::string& word) {
  return text.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE(
    "mount point: a place that is dangerous on this machine is refused with the line that names it (F32)") {
  struct Row {
    const char* what;
    void (*prepare)(test::Tree&);
    const char* path;
    const char* said;  // behind "…: "; empty when it is good
  };
  for (const Row& row : {
           Row{"not there yet", [](test::Tree&) {}, "/data", ""},
           Row{"nor its parents", [](test::Tree&) {}, "/data/of/fettle", ""},
           Row{"empty", [](test::Tree& tree) { tree.directory("/data"); }, "/data", ""},
           Row{"full", [](test::Tree& tree) { tree.file("/data/x"); }, "/data",
               "it holds 'x', which the mount would hide"},
           Row{"a link", [](test::Tree& tree) { tree.directory("/big").link("/data", "/big"); }, "/data",
               "it is a link"},
           Row{"a link on the way", [](test::Tree& tree) { tree.directory("/big/a").link("/data", "/big"); },
               "/data/a/b", "'/data' on the way there is a link or no directory"},
           Row{"a file", [](test::Tree& tree) { tree.file("/data"); }, "/data", "it is no directory"},
           Row{"below a mount that is absent",
               [](test::Tree& tree) { tree.file("/etc/fstab", "# x\n/dev/sdb /data ext4 defaults 0 2\n"); },
               "/data/cache",
               "'/data' is a mount of '/etc/fstab' (line 2) and is not there now; it would hide the cache"},
           Row{"below a mount that is there",
               [](test::Tree& tree) {
                 tree.file("/etc/fstab", "/dev/sdb /data ext4 defaults 0 2\n");
                 test::add_mount(tree, "8:16", "/dev/sdb", "/data");
               },
               "/data/cache", ""},
           Row{"of somebody else's mount",
               [](test::Tree& tree) { tree.file("/etc/fstab", "/dev/sdb /data ext4 noauto 0 0\n"); }, "/data",
               "'/etc/fstab' (line 1) mounts something else there"},
           Row{"below the resource disk", [](test::Tree& tree) { tree.file("/etc/cloud/cloud.cfg"); },
               "/mnt/cache", "cloud-init mounts the resource disk on '/mnt', and would hide the cache"},
           Row{"below /mnt of a machine without cloud-init", [](test::Tree&) {}, "/mnt/cache", ""},
           Row{"mounted already",
               [](test::Tree& tree) {
                 tree.file("/data/x");
                 test::add_mount(tree, "9:127", "/dev/md127", "/data", "xfs");
               },
               "/data", ""},
       }) {
    CAPTURE(row.what);
    test::Tree tree;
    row.prepare(with_root(tree));
    const auto error = why_not(tree, elsewhere(row.path));
    REQUIRE(error.has_value() == (std::string(row.said) != ""));
    if (!error) continue;
    CHECK(error->said == "/etc/fettle/fettle.yaml:5:9  the cache cannot be mounted on '" +
                             std::string(row.path) + "': " + row.said);
    CHECK_FALSE(error->hint.empty());
  }
}

TEST_CASE(
    "mount point: what cannot be looked at is refused; the package's own place and a directory are not "
    "asked") {
  test::Tree tree;
  tree.file("/srv/fettle/x").file("/data/x");
  CHECK(why_not(tree, elsewhere())->said.find("/proc/self/mountinfo") != std::string::npos);
  CHECK_FALSE(why_not(tree, elsewhere(std::string(names::default_mount))));
  profile::Cache directory = elsewhere();
  directory.drives.reset();
  CHECK_FALSE(why_not(tree, directory));
}

TEST_CASE(
    "mount point: a refused place stops provisioning before any drive is written, and release is no matter "
    "of it") {
  StorageMachine machine(2);
  machine.profile.cache->path = "/data";
  machine.profile.cache->said_at = "/etc/fettle/fettle.yaml:5:9";
  machine.tree.file("/data/x");
  const Plan planned = plan_of(machine);
  REQUIRE(planned.refusal);
  CHECK(planned.verdict == Verdict::all_blank);
  CHECK(planned.steps.empty());
  CHECK(planned.refusal->said ==
        "cannot provision the cache: all 2 drives are blank, but /etc/fettle/fettle.yaml:5:9  the cache "
        "cannot be mounted on '/data': it holds 'x', which the mount would hide");
  machine.tree.remove("/data");
  CHECK_FALSE(plan_of(machine).refusal);
}

TEST_CASE("mount point: systemd's units follow the path, and the mount is the package's but for it") {
  const auto files = mount_units(wanting(elsewhere("/mnt/nvme")), "/run/g");
  std::ifstream in(test::source_dir().string() + "/systemd/srv-fettle.mount");
  std::stringstream shipped;
  shipped << in.rdbuf();
  std::string wanted = shipped.str().substr(shipped.str().find("[Unit]"));
  wanted.replace(wanted.find("/srv/fettle"), 11, "/mnt/nvme");
  const std::string mount = text_of(files, "/run/g/mnt-nvme.mount");
  CHECK(mount.substr(mount.find("[Unit]")) == wanted);
  CHECK(holds(text_of(files, "/run/g/srv-fettle.mount.d/50-cache.conf"), "ConditionPathExists=!/\n"));
  const std::string provision = text_of(files, "/run/g/fettle-provision.service.d/50-cache.conf");
  CHECK(holds(provision, "RequiresMountsFor=/mnt\n"));
  CHECK(holds(provision, "ExecStartPre=-+/usr/bin/fettle provision --mount-point\n"));
  const std::string cache = text_of(files, "/run/g/fettle-cache.service.d/50-cache.conf");
  CHECK(holds(cache, "Requires=mnt-nvme.mount\nAfter=mnt-nvme.mount\n"));
  CHECK(holds(cache, "ReadWritePaths=-/mnt/nvme\n"));
  const std::string stage = text_of(files, "/run/g/fettle-stage@.service.d/50-cache.conf");
  CHECK(holds(stage, "Requires=mnt-nvme.mount\n"));
  CHECK(holds(stage, "ReadWritePaths=-/mnt/nvme/hf\n"));
  CHECK(
      holds(text_of(files, "/run/g/fettle-collect.service.d/50-cache.conf"), "ReadWritePaths=-/mnt/nvme\n"));
  CHECK(files.size() == 6);
  const auto at_top = mount_units(wanting(elsewhere()), "/run/g");
  CHECK_FALSE(
      holds(text_of(at_top, "/run/g/fettle-provision.service.d/50-cache.conf"), "RequiresMountsFor="));
}

TEST_CASE(
    "mount point: a cache where the package has it asks for no unit; a directory elsewhere only for access") {
  CHECK(mount_units(wanting(std::nullopt), "/run/g").empty());
  CHECK(mount_units(wanting(elsewhere(std::string(names::default_mount))), "/run/g").empty());
  profile::Cache directory = elsewhere();
  directory.drives.reset();
  const auto files = mount_units(wanting(directory), "/run/g");
  CHECK(files.size() == 3);
  CHECK(holds(text_of(files, "/run/g/fettle-cache.service.d/50-cache.conf"),
              "[Unit]\nRequiresMountsFor=/data\n\n[Service]\nReadWritePaths=-/data\n"));
  for (const UnitFile& file : files) CHECK_FALSE(holds(file.path, ".mount"));
}

TEST_CASE("mount point: that systemd has an older configuration in mind is noticed") {
  test::Tree tree;
  const auto now = [&](const std::optional<profile::Cache>& cache) {
    return is_to_be_read_again(wanting(cache), tree.files()).value();
  };
  CHECK_FALSE(now(elsewhere(std::string(names::default_mount))));
  CHECK(now(elsewhere()));
  for (const UnitFile& file : mount_units(wanting(elsewhere()), generator_directory))
    tree.file(file.path, file.content);
  CHECK_FALSE(now(elsewhere()));
  CHECK(now(elsewhere("/other")));
  CHECK(now(elsewhere(std::string(names::default_mount))));
  CHECK(now(std::nullopt));
}

TEST_CASE("mount point: those of earlier configurations are remembered, and removed when they are bare") {
  test::Tree tree;
  with_root(tree);
  const auto old = [&](const std::optional<profile::Cache>& cache) {
    return old_mount_points(cache, facts::read_mounts(tree.files()), tree.files()).value();
  };
  CHECK(old(elsewhere()).empty());
  for (const char* const path : {"/srv/fettle", "/data", "/other"})
    REQUIRE(close_mount_point(elsewhere(path), tree.files()));
  REQUIRE(close_mount_point(elsewhere("/data"), tree.files()));
  CHECK(tree.read(mount_point_record) == "/srv/fettle\n/data\n/other\n");
  test::add_mount(tree, "9:127", "/dev/md127", "/other", "xfs");
  CHECK(old(elsewhere()) == std::vector<std::string>{"/srv/fettle"});
  tree.directory("/srv/fettle");
  const auto removed = remove_mount_points(old(elsewhere()), tree.files());
  REQUIRE(removed.size() == 1);
  CHECK(removed.front().outcome == Outcome::changed);
  CHECK_FALSE(*tree.files().exists("/srv/fettle"));
  CHECK(tree.read(mount_point_record) == "/data\n/other\n");
  CHECK(old(elsewhere()).empty());
  // Somebody's files in it: it stays, and is nobody's mount point any more.
  tree.file("/data/x");
  CHECK(remove_mount_points(old(elsewhere("/third")), tree.files()).size() == 1);
  CHECK(tree.read("/data/x").empty());
  CHECK(tree.read(mount_point_record) == "/other\n");
}

TEST_CASE(
    "mount point: a cache that is mounted where it was is not moved under its users; the way to move it is "
    "told") {
  for (const unsigned count : {1U, 2U}) {
    CAPTURE(count);
    StorageMachine machine(count);
    provision(machine);
    const std::string device =
        count == 1 ? device_number_of(facts::gather(machine.tree.files()).drives->front()) : "9:127";
    test::add_mount(machine.tree, device, count == 1 ? machine.device(0) : "/dev/md127", "/srv/fettle",
                    "xfs");
    machine.profile.cache->path = "/data";
    const Plan planned = plan_of(machine);
    REQUIRE(planned.refusal);
    CHECK(planned.steps.empty());
    CHECK(planned.refusal->said ==
          "cannot provision the cache: the cache is mounted on '/srv/fettle' instead of '/data'");
    CHECK(holds(planned.refusal->hint, "the next boot mounts it there, with all that is on it"));
    CHECK(holds(planned.refusal->hint, "fettle-cache.target srv-fettle.mount"));
  }
}
