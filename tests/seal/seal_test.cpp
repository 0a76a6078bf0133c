#include "seal/seal.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using fettle::test::FakeClock;
using fettle::test::FakeRunner;
using fettle::test::Tree;

namespace {

const std::string cache = "/srv/fettle";
const std::string no_mounts = "22 1 259:1 / / rw - ext4 /dev/nvme0n1p1 rw\n";

// A root file system as a machine leaves it that was in use, /run on the disk and no systemd: a chroot.
void use(Tree& tree) {
  tree.file("/proc/self/mountinfo", no_mounts)
      .file("/etc/fettle/fettle.yaml", "schema: 1\n")
      .file("/etc/fettle/profiles/site.yaml", "schema: 1\n")
      .file("/etc/fettle/credentials/hf-token", "hf_secret")
      .file("/var/lib/fettle/provision/storage.json", "{}")
      .file("/var/lib/fettle/provision/storage.json.previous", "{}")
      .file("/var/lib/fettle/provision/events.db-wal", "")
      .file("/var/lib/fettle/daemon/state.db", "")
      .file("/var/lib/fettle/stage/shelves.db", "")
      .file("/var/lib/fettle/collect/baseline.json", "{}")
      .file("/run/fettle/provision/report.json", "{}")
      .file(cache + "/.fettle-generation.json", "{}")
      .file(cache + "/hf/hub/models--a--b/refs/main", "0123");
}

struct Machine {
  Tree tree;
  FakeRunner runner;
  FakeClock clock;
  system::System system{tree.files(), runner, clock};

  seal::Found look() { return seal::look(system, cache); }
};

bool is_left(const seal::Found& found, std::string_view path) {
  REQUIRE(found.leftovers);
  return std::any_of(found.leftovers->begin(), found.leftovers->end(),
                     [&](const seal::Leftover& one) { return one.path == path; });
}

bool is_reminded(const seal::Found& found, std::string_view path) {
  return std::any_of(found.reminders.begin(), found.reminders.end(),
                     [&](const seal::Reminder& one) { return one.path == path; });
}

const char* const ask = "/usr/bin/systemctl list-units --output=json --type=service";

}  // namespace

TEST_CASE("seal: what belongs to one machine goes, what is wanted of every machine stays") {
  Machine machine;
  use(machine.tree);
  const auto plan = seal::plan(machine.tree.files(), machine.look());
  REQUIRE(plan);
  const auto removed = seal::apply(*plan, machine.system);
  REQUIRE(removed);
  CHECK(removed->size() == 9);
  for (const seal::Removed& one : *removed) {
    CHECK_MESSAGE(one.outcome == Outcome::changed, one.path, ": ", one.error.said);
    CHECK_FALSE(machine.tree.files().exists(one.path).value());
  }
  for (const char* const kept : {"/etc/fettle/fettle.yaml", "/etc/fettle/profiles/site.yaml",
                                 "/srv/fettle/hf/hub/models--a--b/refs/main"})
    CHECK(machine.tree.files().exists(kept).value());
}

TEST_CASE("seal: a second run finds nothing to remove") {
  Machine machine;
  use(machine.tree);
  REQUIRE(seal::apply(seal::plan(machine.tree.files(), machine.look()).value(), machine.system));
  const auto again = seal::plan(machine.tree.files(), machine.look());
  REQUIRE(again);
  CHECK(again->remove.empty());
}

TEST_CASE("seal: a root file system that never was in use is sealed") {
  Machine machine;
  const auto plan = seal::plan(machine.tree.files(), machine.look());
  REQUIRE(plan);
  CHECK(plan->remove.empty());
}

TEST_CASE("seal: a mounted cache is refused, also one at another place than the profile's") {
  for (const std::string where : {"/srv/fettle", "/elsewhere"}) {
    Machine machine;
    use(machine.tree);
    machine.tree
        .file("/proc/self/mountinfo", no_mounts + "40 22 9:127 / " + where + " rw - xfs /dev/md127 rw\n")
        .link("/run/fettle/cache", "/dev/md127");
    const auto plan = seal::plan(machine.tree.files(), machine.look());
    REQUIRE_FALSE(plan);
    CHECK(plan.error().why == Why::refused);
    CHECK(plan.error().said.find("mounted on '" + where + "'") != std::string::npos);
  }
}

TEST_CASE("seal: mounts that cannot be read are in the way") {
  Machine machine;
  use(machine.tree);
  machine.tree.file("/proc/self/mountinfo", "this is no mountinfo\n");
  CHECK_FALSE(seal::plan(machine.tree.files(), machine.look()));
}

TEST_CASE("seal: a unit at work is refused by name") {
  Machine machine;
  use(machine.tree);
  machine.tree.directory("/run/systemd/system");
  machine.runner.expect(ask, system::Completed{0, R"([{"unit":"fettle-stage@big.service"}])", ""});
  const auto plan = seal::plan(machine.tree.files(), machine.look());
  REQUIRE_FALSE(plan);
  CHECK(plan.error().said.find("fettle-stage@big.service is at work") != std::string::npos);
}

TEST_CASE("seal: what sealing stops by itself is not in the way") {
  Machine machine;
  use(machine.tree);
  machine.tree.directory("/run/systemd/system");
  machine.runner.expect(
      ask, system::Completed{0, R"([{"unit":"fettle-collect.service"},{"unit":"fettled.service"}])", ""});
  CHECK(seal::plan(machine.tree.files(), machine.look()));
}

TEST_CASE("seal: an answer of systemctl that tells nothing is in the way") {
  const std::vector<Result<system::Completed>> answers{system::Completed{1, "", "Failed to connect to bus"},
                                                       system::Completed{0, "no json", ""},
                                                       fail(Why::timed_out, "cannot wait for 'systemctl'")};
  for (const auto& answer : answers) {
    Machine machine;
    use(machine.tree);
    machine.tree.directory("/run/systemd/system");
    machine.runner.expect(ask, answer);
    CHECK_FALSE(seal::plan(machine.tree.files(), machine.look()));
  }
}

TEST_CASE("seal: where systemd runs, the daemon is stopped before its state goes") {
  Machine machine;
  use(machine.tree);
  machine.tree.directory("/run/systemd/system");
  machine.runner.expect(ask, system::Completed{0, "[]", ""});
  const auto plan = seal::plan(machine.tree.files(), machine.look());
  REQUIRE(plan);
  SUBCASE("it stops") {
    machine.runner.expect("/usr/bin/systemctl stop fettle-status.socket");
    REQUIRE(seal::apply(*plan, machine.system));
    CHECK_FALSE(machine.tree.files().exists("/var/lib/fettle/daemon/state.db").value());
  }
  SUBCASE("it does not, and nothing is removed") {
    machine.runner.expect("/usr/bin/systemctl stop", system::Completed{1, "", "Access denied"});
    const auto removed = seal::apply(*plan, machine.system);
    REQUIRE_FALSE(removed);
    CHECK(removed.error().said.find("Access denied") != std::string::npos);
    CHECK(machine.tree.files().exists("/var/lib/fettle/daemon/state.db").value());
  }
}

TEST_CASE("seal: what others keep of the machine is named while it is there") {
  Machine machine;
  machine.tree.file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
      .file("/etc/ssh/ssh_host_ed25519_key", "secret")
      .file("/var/lib/systemd/random-seed", "seed")
      .file("/etc/fettle/conf.d/10-node.yaml", "schema: 1\nkind: configuration\n")
      .link("/var/lib/dbus/machine-id", "/etc/machine-id")
      .link("/var/lib/cloud/instance", "/var/lib/cloud/instances/one");
  const auto found = machine.look();
  CHECK(is_reminded(found, "/etc/machine-id"));
  CHECK(is_reminded(found, "/etc/ssh/ssh_host_*"));
  CHECK(is_reminded(found, "/var/lib/systemd/random-seed"));
  CHECK(is_reminded(found, "/var/lib/cloud/instance"));
  CHECK(is_reminded(found, "/etc/fettle/conf.d/*"));
  CHECK_FALSE(is_reminded(found, "/var/lib/dbus/machine-id"));
  CHECK_FALSE(is_reminded(found, "/var/lib/systemd/credential.secret"));
}

TEST_CASE("seal: a machine-id as an image should have it is no reason to remind") {
  for (const char* const content : {"", "\n", "uninitialized\n"}) {
    Machine machine;
    machine.tree.file("/etc/machine-id", content);
    CHECK_FALSE(is_reminded(machine.look(), "/etc/machine-id"));
  }
}

TEST_CASE("seal: a link among our files is removed itself, not what it points to") {
  Machine machine;
  use(machine.tree);
  machine.tree.file("/home/user/data", "precious").link("/var/lib/fettle/stage/here", "/home/user");
  CHECK(is_left(machine.look(), "/var/lib/fettle/stage/here"));
  REQUIRE(seal::apply(seal::plan(machine.tree.files(), machine.look()).value(), machine.system));
  CHECK(machine.tree.files().exists("/home/user/data").value());
  CHECK_FALSE(machine.tree.files().look("/var/lib/fettle/stage/here"));
}
