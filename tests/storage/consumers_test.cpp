#include "storage/consumers.h"

#include <doctest/doctest.h>

#include "support/tree.h"

using namespace fettle;
using namespace fettle::storage;
using fettle::profile::Consumer;
using fettle::test::Tree;

namespace {

const std::string docker = "/etc/systemd/system/docker.service.d/50-fettle-cache.conf";
const std::string podman = "/etc/systemd/system/podman.service.d/50-fettle-cache.conf";

std::optional<profile::Cache> cache_at(const std::string& path = "/srv/fettle") {
  profile::Cache cache;
  cache.path = path;
  return cache;
}

UnitFilePlan plan_of(const Tree& tree, const std::vector<Consumer>& wanted,
                     const std::optional<profile::Cache>& cache = cache_at()) {
  return plan_consumers(wanted, cache, look_for_drop_ins(tree.files()));
}

void carry_out(const Tree& tree, const UnitFilePlan& plan) {
  for (const Arranged& one : apply(plan, tree.files())) {
    CHECK_MESSAGE(one.outcome == Outcome::changed, one.says, " ", one.error.said);
  }
}

NamedFinding finding_of(const Tree& tree, const std::vector<Consumer>& wanted,
                        const std::optional<profile::Cache>& cache = cache_at()) {
  return consumers_finding({profile::Arrangement{wanted}, {}}, cache, look_for_drop_ins(tree.files()), {});
}

}  // namespace

TEST_CASE("consumers: each that is asked for waits for the mount, and a second run has nothing to do") {
  for (const Consumer consumer :
       {Consumer::docker, Consumer::containerd, Consumer::kubelet, Consumer::podman}) {
    CAPTURE(profile::to_text(consumer));
    const Tree tree;
    CHECK(finding_of(tree, {consumer}).finding.status == Status::warn);
    const UnitFilePlan plan = plan_of(tree, {consumer});
    CHECK(plan.refused.empty());
    CHECK(plan.steps.size() == (consumer == Consumer::podman ? 2 : 1));
    CHECK(plan.steps.front().path.find(profile::to_text(consumer)) != std::string::npos);
    carry_out(tree, plan);
    CHECK(plan_of(tree, {consumer}).steps.empty());
    CHECK(finding_of(tree, {consumer}).finding.status == Status::pass);
  }
  Tree tree;
  carry_out(tree, plan_of(tree, {Consumer::docker}));
  CHECK(tree.read(docker) ==
        std::string(our_first_line) +
            "\n[Unit]\nRequiresMountsFor=/srv/fettle /var/lib/docker\n"
            "# The directories of the cache are made there.\nAfter=fettle-cache.service\n");
  // A cache elsewhere is another mount to wait for.
  const UnitFilePlan moved = plan_of(tree, {Consumer::docker}, cache_at("/data/cache"));
  REQUIRE(moved.steps.size() == 1);
  CHECK(moved.steps.front().content.find("RequiresMountsFor=/data/cache ") != std::string::npos);
}

TEST_CASE("consumers: what is no longer asked for is taken away with its directory, and nothing else") {
  Tree tree;
  carry_out(tree, plan_of(tree, {Consumer::docker, Consumer::podman}));
  tree.file("/etc/systemd/system/podman.service.d/10-site.conf", "[Service]\nNice=5\n");
  const UnitFilePlan plan = plan_of(tree, {});
  CHECK(plan.steps.size() == 3);
  carry_out(tree, plan);
  CHECK_FALSE(*tree.files().exists("/etc/systemd/system/docker.service.d"));
  CHECK_FALSE(*tree.files().exists(podman));
  CHECK(*tree.files().exists("/etc/systemd/system/podman.service.d/10-site.conf"));
  CHECK(plan_of(tree, {}).steps.empty());
  CHECK(finding_of(tree, {}).finding.status == Status::not_applicable);
}

TEST_CASE("consumers: somebody's own file in our place is neither overwritten nor removed") {
  Tree tree;
  tree.file(docker, "[Unit]\nRequiresMountsFor=/data\n");
  const UnitFilePlan plan = plan_of(tree, {Consumer::docker, Consumer::kubelet});
  REQUIRE(plan.refused.size() == 1);
  CHECK(plan.refused.front().said.find(docker) != std::string::npos);
  CHECK_FALSE(plan.refused.front().hint.empty());
  const auto all = apply(plan, tree.files());
  REQUIRE(all.size() == 2);  // the other one is written all the same
  CHECK(all[0].outcome == Outcome::refused);
  CHECK(all[1].outcome == Outcome::changed);
  CHECK(tree.read(docker) == "[Unit]\nRequiresMountsFor=/data\n");
  CHECK(finding_of(tree, {Consumer::docker, Consumer::kubelet}).finding.status == Status::warn);
  const UnitFilePlan none = plan_of(tree, {});
  REQUIRE(none.steps.size() == 1);
  CHECK(none.steps.front().path.find("kubelet") != std::string::npos);
}

TEST_CASE("consumers: a drop-in that cannot be read is no missing one, and without a cache none is wanted") {
  Tree tree;
  tree.directory(docker);
  const UnitFilePlan blind = plan_of(tree, {Consumer::docker});
  CHECK(blind.steps.empty());
  CHECK(blind.refused.size() == 1);
  tree.remove(docker);
  const UnitFilePlan idle = plan_of(tree, {Consumer::docker}, std::nullopt);
  CHECK(idle.steps.empty());
  REQUIRE(idle.refused.size() == 1);
  CHECK(idle.refused.front().said.find("docker wait for the cache: none is wanted") != std::string::npos);
  const NamedFinding unread = consumers_finding({}, cache_at(), look_for_drop_ins(tree.files()), {});
  CHECK(unread.finding.status == Status::unknown);
}
