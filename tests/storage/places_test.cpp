#include "storage/places.h"

#include <doctest/doctest.h>

#include "facts/readers.h"
#include "support/nvme.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::storage;
using fettle::profile::CachePlace;
using fettle::profile::PlaceAs;
using fettle::test::Tree;

namespace {

const std::string docker_unit = "/etc/systemd/system/var-lib-docker.mount";
const std::string drop_in = "/etc/systemd/system/fettle-cache.target.d/50-places.conf";
const CachePlace docker{"/var/lib/docker", "", "docker", PlaceAs::bind};
const CachePlace hub{"~/.cache/huggingface", "alice", "hf", PlaceAs::link};

struct Machine {
  Machine() {
    tree.file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n")
        .directory("/home/alice")
        .directory("/var/lib")
        .directory("/srv/fettle/docker")
        .directory("/srv/fettle/hf");
    add_mount(tree, "8:1", "/dev/sda1", "/");
    add_mount(tree, "9:127", "/dev/md127", "/srv/fettle", "xfs");
    profile.cache.emplace();
    profile.cache->path = "/srv/fettle";
    profile.caches.resize(2);
    profile.caches[0].name = "docker";
    profile.caches[1].name = "hf";
  }

  SeenPlaces look(const std::vector<CachePlace>& wanted) const {
    return look_for_places(wanted, profile, facts::read_mounts(tree.files()), tree.files());
  }
  PlacesPlan plan(const std::vector<CachePlace>& wanted) const {
    return plan_places(look(wanted), profile.cache);
  }

  // Everything is done, and a second run has nothing to do.
  void carry_out(const std::vector<CachePlace>& wanted) const {
    const PlacesPlan planned = plan(wanted);
    CHECK(planned.refused.empty());
    CHECK_FALSE(planned.changes_nothing());
    for (const Arranged& one : apply(planned, tree.files()))
      CHECK_MESSAGE(one.outcome == Outcome::changed, one.says, " ", one.error.said);
    const PlacesPlan again = plan(wanted);
    CHECK(again.changes_nothing());
    CHECK(again.remembers_already);
    CHECK(to_lines(again).empty());
  }

  Finding finding(const std::vector<CachePlace>& wanted) const {
    return places_finding(look(wanted), profile.cache, {}).finding;
  }

  Tree tree;
  profile::Profile profile;
};

}  // namespace

TEST_CASE("places: a bind mount is a unit that comes with the cache, and goes when nobody asks for it") {
  Machine machine;
  CHECK(machine.finding({docker}).status == Status::warn);
  machine.carry_out({docker});
  const std::string unit = machine.tree.read(docker_unit);
  CHECK(unit.starts_with(our_first_line));
  CHECK(unit.find("What=/srv/fettle/docker\nWhere=/var/lib/docker\nType=none\nOptions=bind\n") !=
        std::string::npos);
  CHECK(unit.find("RequiresMountsFor=/srv/fettle\n") != std::string::npos);
  CHECK(machine.tree.read(drop_in).find("Wants=var-lib-docker.mount\nAfter=var-lib-docker.mount\n") !=
        std::string::npos);
  // Its unit alone is not the mount.
  CHECK(machine.finding({docker}).says == "1 place of the cache not mounted");
  add_mount(machine.tree, "9:127", "/dev/md127", "/var/lib/docker", "xfs");
  CHECK(machine.finding({docker}).status == Status::pass);
  CHECK(machine.plan({docker}).changes_nothing());
  CHECK(machine.plan({docker}).refused.empty());
  machine.carry_out({});
  CHECK_FALSE(*machine.tree.files().exists(docker_unit));
  CHECK_FALSE(*machine.tree.files().exists("/etc/systemd/system/fettle-cache.target.d"));
  CHECK(machine.finding({}).status == Status::not_applicable);
}

TEST_CASE("places: a link in somebody's home is made once, remembered, and taken away again") {
  Machine machine;
  machine.carry_out({hub});
  CHECK(*machine.tree.files().read_link("/home/alice/.cache/huggingface") == "/srv/fettle/hf");
  machine.carry_out({});
  CHECK_FALSE(machine.tree.files().read_link("/home/alice/.cache/huggingface"));
  // One that an operator made himself is as good, and is not ours to take away.
  machine.tree.link("/home/alice/.cache/huggingface", "/srv/fettle/hf");
  CHECK(machine.plan({hub}).changes_nothing());
  CHECK(machine.plan({hub}).refused.empty());
  CHECK(machine.plan({}).changes_nothing());
  // One that leads elsewhere by now is not ours any more.
  Machine moved;
  moved.carry_out({hub});
  moved.tree.remove("/home/alice/.cache/huggingface").link("/home/alice/.cache/huggingface", "/data");
  CHECK(moved.plan({}).left_over.empty());
}

TEST_CASE("places: what is in the way is told and left as it is") {
  struct Row {
    const char* what;
    void (*happens)(Machine&);
    CachePlace place;
    const char* says;
  };
  const CachePlace link_docker{"/var/lib/docker", "", "docker", PlaceAs::link};
  const std::vector<Row> rows{
      {"files", [](Machine& m) { m.tree.file("/var/lib/docker/overlay2/x"); }, docker,
       "it holds somebody's files ('overlay2')"},
      {"files, for a link", [](Machine& m) { m.tree.file("/home/alice/.cache/huggingface/token"); }, hub,
       "it holds somebody's files ('token')"},
      {"an empty directory, for a link", [](Machine& m) { m.tree.directory("/var/lib/docker"); }, link_docker,
       "it is an empty directory"},
      {"a file", [](Machine& m) { m.tree.file("/var/lib/docker"); }, docker, "it is no directory"},
      {"a link", [](Machine& m) { m.tree.link("/var/lib/docker", "/data"); }, docker,
       "it is a link to '/data'"},
      {"a link, for a link", [](Machine& m) { m.tree.link("/var/lib/docker", "/data"); }, link_docker,
       "it is a link to '/data'"},
      {"a mount", [](Machine& m) { add_mount(m.tree, "8:17", "/dev/sdb1", "/var/lib/docker"); }, docker,
       "'/dev/sdb1' is mounted there"},
      {"a mount, for a link", [](Machine& m) { add_mount(m.tree, "8:17", "/dev/sdb1", "/var/lib/docker"); },
       link_docker, "'/dev/sdb1' is mounted there"},
      {"a link on the way", [](Machine& m) { m.tree.link("/home/alice/.cache", "/etc"); }, hub,
       "'/home/alice/.cache' on the way there is a link"},
      {"somebody's unit", [](Machine& m) { m.tree.file(docker_unit, "[Mount]\nWhat=/data\n"); }, docker,
       "it is somebody's own file"},
      {"no such cache directory",
       [](Machine&) {},
       {"/var/lib/docker", "", "pip", PlaceAs::bind},
       "no cache directory 'pip'"},
      {"in the cache",
       [](Machine&) {},
       {"/srv/fettle/hf/hub", "", "docker", PlaceAs::bind},
       "lie in each other"},
      {"above the cache",
       [](Machine& m) { m.profile.cache->path = "/srv/data/fettle"; },
       {"/srv/data", "", "docker", PlaceAs::bind},
       "lie in each other"},
      {"no such user", [](Machine&) {}, {"~/.cache/x", "bob", "hf", PlaceAs::link}, "'bob'"},
      {"no cache", [](Machine& m) { m.profile.cache.reset(); }, docker, "wants no cache"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Machine machine;
    row.happens(machine);
    const PlacesPlan planned = machine.plan({row.place});
    const auto& refused = planned.refused.empty() ? planned.units.refused : planned.refused;
    REQUIRE(refused.size() == 1);
    CHECK_MESSAGE(refused.front().said.find(row.says) != std::string::npos, refused.front().said);
    CHECK_FALSE(refused.front().hint.empty());
    for (const Arranged& one : apply(planned, machine.tree.files())) {
      if (one.outcome != Outcome::refused) CHECK(one.says.find("50-places.conf") != std::string::npos);
    }
    CHECK_FALSE(to_lines(planned).empty());
    if (row.place.as == PlaceAs::bind) CHECK(machine.finding({row.place}).status == Status::warn);
  }
}

TEST_CASE("places: one inside another is refused, the outer one is made") {
  Machine machine;
  const CachePlace inner{"/var/lib/docker/image", "", "hf", PlaceAs::bind};
  const PlacesPlan planned = machine.plan({docker, inner});
  REQUIRE(planned.refused.size() == 1);
  CHECK(planned.refused.front().said.find("it lies in '/var/lib/docker'") != std::string::npos);
  CHECK(planned.units.steps.size() == 2);  // the outer unit and the drop-in
}

TEST_CASE("places: files that came below an unmounted place are told, and its unit is kept") {
  Machine machine;
  machine.carry_out({docker});
  machine.tree.file("/var/lib/docker/overlay2/x");
  const PlacesPlan planned = machine.plan({docker});
  CHECK(planned.refused.size() == 1);
  CHECK(planned.units.steps.empty());
  CHECK(planned.changes_nothing());
}

TEST_CASE("places: something that came between looking and acting is not replaced") {
  Machine machine;
  const PlacesPlan planned = machine.plan({hub});
  machine.tree.link("/home/alice/.cache/huggingface", "/data");
  const auto all = apply(planned, machine.tree.files());
  REQUIRE(all.size() == 1);
  CHECK(all[0].outcome == Outcome::refused);
  CHECK(*machine.tree.files().read_link("/home/alice/.cache/huggingface") == "/data");
}

TEST_CASE("places: a link that its owner puts on the way after we looked is not followed") {
  Machine machine;
  const PlacesPlan planned = machine.plan({hub});
  machine.tree.directory("/etc/cron.d").link("/home/alice/.cache", "/etc/cron.d");
  const auto all = apply(planned, machine.tree.files());
  REQUIRE(all.size() == 1);
  CHECK(all[0].outcome == Outcome::refused);
  CHECK_FALSE(machine.tree.files().read_link("/etc/cron.d/huggingface"));
}

TEST_CASE("places: a link of ours is not taken away through one that its owner put on the way") {
  Machine machine;
  machine.carry_out({hub});
  const PlacesPlan planned = machine.plan({});
  REQUIRE(planned.left_over.size() == 1);
  machine.tree.remove("/home/alice/.cache").link("/etc/cron.d/huggingface", "/srv/fettle/hf");
  machine.tree.link("/home/alice/.cache", "/etc/cron.d");
  apply(planned, machine.tree.files());
  CHECK(machine.tree.files().read_link("/etc/cron.d/huggingface"));
}

TEST_CASE("places: a record of links that cannot be used makes no link and removes none") {
  Machine machine;
  machine.carry_out({hub});
  machine.tree.file("/var/lib/fettle/provision/places.json", "{}");
  const PlacesPlan gone = machine.plan({});
  CHECK(gone.left_over.empty());
  const CachePlace other{"~/.cache/vllm", "alice", "hf", PlaceAs::link};
  const PlacesPlan planned = machine.plan({other});
  CHECK(planned.links.empty());
  REQUIRE(planned.refused.size() == 1);
  CHECK(planned.refused.front().said.find("places.json") != std::string::npos);
}
