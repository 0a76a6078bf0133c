#include "storage/trim.h"

#include <doctest/doctest.h>

using namespace fettle;

namespace {

profile::Profile on_drives() {
  profile::Profile profile;
  profile.cache.emplace();
  profile.cache->path = "/srv/fettle";
  profile.cache->drives.emplace();
  return profile;
}

facts::Facts with_mounts(std::vector<facts::Mount> mounts) {
  facts::Facts facts;
  facts.mounts = std::move(mounts);
  return facts;
}

facts::Mount mount(const std::string& what, const std::string& options = "rw,noatime") {
  facts::Mount mount;
  mount.where = "/srv/fettle";
  mount.what = what;
  mount.type = "xfs";
  mount.options = options;
  return mount;
}

storage::Report of_device(const std::string& device) {
  storage::Report report;
  report.device = device;
  return report;
}

}  // namespace

TEST_CASE("trim: the cache that provisioning found is trimmed, by its mount point") {
  const auto command =
      storage::trim(on_drives(), with_mounts({mount("/dev/md127")}), of_device("/dev/md127"));
  REQUIRE(command);
  CHECK(command->argv == std::vector<std::string>{"/usr/sbin/fstrim", "/srv/fettle"});
}

TEST_CASE("trim: what is not ours, hidden or read-only is left alone with the reason") {
  struct Row {
    std::vector<facts::Mount> mounts;
    std::string device;
    std::string says;
  };
  const std::vector<Row> rows{
      {{}, "/dev/md127", "nothing is mounted on '/srv/fettle'"},
      {{mount("/dev/sdb1")}, "/dev/md127", "'/dev/sdb1' on '/srv/fettle' is not ours"},
      {{mount("/dev/md127"), mount("tmpfs")}, "/dev/md127", "'tmpfs' on '/srv/fettle' is not ours"},
      {{mount("/dev/md127")}, "", "'/dev/md127' on '/srv/fettle' is not ours"},
      {{mount("/dev/md127", "ro,noatime")}, "/dev/md127", "it is mounted read-only"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.says);
    const auto command = storage::trim(on_drives(), with_mounts(row.mounts), of_device(row.device));
    REQUIRE_FALSE(command);
    CHECK(command.error().why == Why::refused);
    CHECK(command.error().said == "cannot trim the cache: " + row.says);
    CHECK_FALSE(command.error().hint.empty());
  }
}

TEST_CASE("trim: without drives there is nothing to do, and what could not be looked at is no consent") {
  const auto ours = of_device("/dev/md127");
  profile::Profile directory = on_drives();
  directory.cache->drives.reset();
  CHECK(storage::trim(directory, with_mounts({}), ours).error().why == Why::missing);
  CHECK(storage::trim({}, with_mounts({}), ours).error().why == Why::missing);
  CHECK_FALSE(storage::trim(on_drives(), {}, ours));
  CHECK_FALSE(storage::trim(on_drives(), with_mounts({mount("/dev/md127")}), fail(Why::denied, "no")));
}
