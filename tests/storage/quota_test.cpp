// Quotas of cache directories: what is planned for which directory, what is told of them, and the calls
// themselves where a file system has them.
#include "storage/quota.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "storage/mount_units.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::storage;

namespace {

constexpr system::Project first = 0x46540000;
constexpr system::Project second = 0x46550000;

SeenQuota seen(const std::string& name, Bytes wanted, system::Project project,
               Result<Bytes> limit = Bytes{}) {
  return {"/srv/fettle/" + name, wanted, project, std::move(limit)};
}

profile::Profile wanting(const std::vector<std::pair<std::string, Bytes>>& directories) {
  profile::Profile profile;
  profile.cache.emplace().path = "/srv/fettle";
  profile.cache->drives.emplace();
  for (const auto& [name, quota] : directories) {
    profile::CacheDirectory& directory = profile.caches.emplace_back();
    directory.name = name;
    directory.quota = quota;
  }
  return profile;
}

const Error no_quotas{Why::missing,
                      "cannot read the quota of '/srv/fettle/hf': it was mounted without project quotas",
                      "the next boot mounts it with them"};

}  // namespace

TEST_CASE("quota: each directory gets a number of its own once, and a second plan is empty") {
  const QuotaPlan plan = plan_quotas({seen("hf", 10_GiB, 0), seen("docker", 5_GiB, 0), seen("uv", {}, 0)});
  REQUIRE(plan.steps.size() == 2);
  CHECK(plan.not_in_force.empty());
  CHECK(plan.steps[0].project == first);
  CHECK(plan.steps[0].mark == QuotaStep::Mark::give);
  CHECK(plan.steps[0].limit == 10_GiB);
  CHECK(plan.steps[0].says == "limit '/srv/fettle/hf' to 10.0 GiB");
  CHECK(plan.steps[1].project == second);
  CHECK(plan_quotas(
            {seen("hf", 10_GiB, first, 10_GiB), seen("docker", 5_GiB, second, 5_GiB), seen("uv", {}, 0)})
            .steps.empty());
}

TEST_CASE("quota: the number that a directory has stays with it; a new limit is the only step") {
  const QuotaPlan plan = plan_quotas({seen("docker", 20_GiB, second, 5_GiB), seen("hf", 10_GiB, 0)});
  REQUIRE(plan.steps.size() == 2);
  CHECK(plan.steps[0].project == second);
  CHECK(plan.steps[0].mark == QuotaStep::Mark::has_it);
  CHECK(plan.steps[1].project == first);
  // XFS counts in blocks of 512 bytes.
  CHECK(plan_quotas({seen("hf", Bytes{1000}, first, Bytes{1024})}).steps.empty());
}

TEST_CASE("quota: a number of docker's or kubelet's, or one that two directories share, is replaced") {
  for (const system::Project project : {2U, 1048577U, first + 1}) {
    CAPTURE(project);
    const QuotaPlan plan = plan_quotas({seen("hf", 10_GiB, project, 10_GiB)});
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].project == first);
    CHECK(plan.steps[0].mark == QuotaStep::Mark::give);
  }
  const QuotaPlan shared =
      plan_quotas({seen("hf", 10_GiB, first, 10_GiB), seen("copy", 10_GiB, first, 10_GiB)});
  REQUIRE(shared.steps.size() == 2);
  CHECK(shared.steps[0].project != shared.steps[1].project);
  CHECK(shared.steps[0].project != first);
}

TEST_CASE("quota: a limit that nobody wants any more is taken off, and what never had one is left alone") {
  const QuotaPlan plan =
      plan_quotas({seen("hf", {}, first, 10_GiB), seen("uv", {}, second, Bytes{}),
                   seen("docker", {}, 2, 1_GiB), seen("triton", {}, first + 0x20000, fail(no_quotas))});
  REQUIRE(plan.steps.size() == 1);
  CHECK(plan.steps[0].path == "/srv/fettle/hf");
  CHECK(plan.steps[0].limit.count == 0);
  CHECK(plan.steps[0].says == "take the limit off '/srv/fettle/hf'");
}

TEST_CASE("quota: where it cannot be set, that is a warning with what to do, and the rest goes on") {
  SeenQuota blind = seen("uv", 1_GiB, 0);
  blind.project =
      fail(Why::failed, "cannot read the project of '/srv/fettle/uv': Input/output error", "see dmesg");
  const QuotaPlan plan = plan_quotas({seen("hf", 10_GiB, first, fail(no_quotas)), blind});
  CHECK(plan.steps.empty());
  REQUIRE(plan.not_in_force.size() == 2);
  test::Tree tree;
  std::vector<std::string> warnings;
  CHECK(apply(plan, tree.files(), warnings).empty());
  CHECK(warnings.front() == no_quotas.said + "; " + no_quotas.hint);
  // The file system of a test has no quotas of XFS, or the test has no rights: that is told, and nothing else
  // happens.
  tree.directory("/srv/fettle/hf");
  const auto done = apply(plan_quotas({seen("hf", 10_GiB, 0)}), tree.files(), warnings);
  REQUIRE(done.size() == 1);
  CHECK(done.front().outcome == Outcome::failed);
  CHECK(warnings.back().find("'/srv/fettle/hf'") != std::string::npos);
}

TEST_CASE("quota: the finding tells of quotas that are not in force and of those that are nearly used up") {
  const auto judged = [](const std::vector<QuotaUse>& uses) { return quota_finding(uses, {}).finding; };
  const auto use = [](const std::string& name, Bytes wanted, Bytes total, Bytes available) {
    return QuotaUse{name, wanted, system::Space{total, available, 0}};
  };
  CHECK(judged({}).status == Status::not_applicable);
  const QuotaUse well = use("hf", 10_GiB, 10_GiB, 5_GiB);
  CHECK(judged({well}).status == Status::pass);
  CHECK(judged({well}).says == "1 directory within the quota");
  const Finding full = judged({well, use("docker", 10_GiB, 10_GiB, 512_MiB)});
  CHECK(full.status == Status::warn);
  CHECK(full.says == "docker has 512.0 MiB of 10.0 GiB left");
  const Finding off =
      judged({use("hf", 10_GiB, 28000_GiB, 20000_GiB), use("docker", 10_GiB, 10_GiB, 512_MiB)});
  CHECK(off.status == Status::warn);
  CHECK(off.says == "not in force for hf");
  CHECK(off.hint.find("next boot") != std::string::npos);
  QuotaUse blind{"hf", 10_GiB, fail(Why::failed, "cannot look", "x")};
  CHECK(judged({well, blind}).status == Status::unknown);
}

TEST_CASE("quota: nothing is asked of a cache that is not mounted, and none is looked at without drives") {
  test::Tree tree;
  tree.directory("/srv/fettle/hf");
  profile::Profile profile = wanting({{"hf", 10_GiB}, {"uv", {}}});
  const std::vector<facts::Mount> none;
  const auto uses = look_at_quota_use(profile, none, tree.files());
  REQUIRE(uses.size() == 1);
  CHECK_FALSE(uses.front().space);
  CHECK(quota_finding(uses, {}).finding.status == Status::unknown);
  const std::vector<facts::Mount> there{{"/srv/fettle", "/dev/md127", "xfs", "rw", "9:127"}};
  CHECK(look_at_quota_use(profile, there, tree.files()).front().space);
  CHECK(look_at_quotas(profile, tree.files()).size() == 2);
  profile.cache->drives.reset();
  CHECK(look_at_quota_use(profile, there, tree.files()).empty());
  CHECK(look_at_quotas(profile, tree.files()).empty());
}

TEST_CASE(
    "quota: a cache with quotas is mounted for them, and its unit may set them; without, no unit is "
    "written") {
  CHECK(mount_units(wanting({{"hf", {}}}), "/g").empty());
  const auto files = mount_units(wanting({{"hf", 1_GiB}}), "/g");
  REQUIRE(files.size() == 2);
  CHECK(files[0].path == "/g/srv-fettle.mount.d/50-cache.conf");
  CHECK(files[0].content.find("\n[Mount]\nOptions=noatime,nosuid,nodev,prjquota\n") != std::string::npos);
  CHECK(files[1].path == "/g/fettle-cache.service.d/50-cache.conf");
  CHECK(files[1].content.find("CapabilityBoundingSet=CAP_SYS_ADMIN\nSystemCallFilter=quotactl_fd\n") !=
        std::string::npos);
  profile::Profile elsewhere = wanting({{"hf", 1_GiB}});
  elsewhere.cache->path = "/data";
  const auto moved = mount_units(elsewhere, "/g");
  const auto mount = std::find_if(moved.begin(), moved.end(),
                                  [](const UnitFile& file) { return file.path == "/g/data.mount"; });
  REQUIRE(mount != moved.end());
  CHECK(mount->content.find("Options=noatime,nosuid,nodev,prjquota\n") != std::string::npos);
}
