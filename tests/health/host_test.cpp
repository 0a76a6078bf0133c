#include <doctest/doctest.h>

#include "facts/facts.h"
#include "health/host.h"
#include "health/next_boot.h"
#include "health/shipped.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::health;
using facts::Facts;
using facts::NextBoot;
using fettle::test::Tree;
using profile::Profile;

namespace {

Profile with(profile::Host host) {
  Profile profile;
  profile.host = std::move(host);
  return profile;
}

// A kernel whose driver DKMS built, started by a BIOS.
Facts good_boot() {
  Facts facts;
  NextBoot next;
  next.kernel = "6.14.0-33-generic";
  next.dkms_module = "/lib/modules/6.14.0-33-generic/updates/dkms/amdgpu.ko.zst";
  next.dkms_version = "6.14.14-1";
  next.has_headers = true;
  next.secure_boot = facts::SecureBoot::off;
  facts.next_boot = next;
  return facts;
}

Profile wants_gpus() {
  Profile profile;
  profile.gpus = profile::Gpus{"MI300X", 8};
  return profile;
}

}  // namespace

TEST_CASE(
    "health: processors are compared number by number, and a number that is not asked does not matter") {
  Facts facts;
  facts.cpus = facts::Cpus{2, 96, 96};
  struct Row {
    unsigned sockets, cores, threads;
    Status status;
    const char* says;
  };
  for (const Row& row : {
           Row{2, 96, 96, Status::pass, "2 sockets, 96 cores, 96 threads"},
           Row{2, 0, 0, Status::pass, "2 sockets, 96 cores, 96 threads"},
           Row{0, 0, 0, Status::not_applicable, "the profile does not ask for it"},
           Row{2, 96, 192, Status::warn, "2 sockets, 96 cores, 96 threads; the profile expects 192 threads"},
           Row{1, 48, 96, Status::warn,
               "2 sockets, 96 cores, 96 threads; the profile expects 1 socket, 48 cores"},
       }) {
    CAPTURE(row.says);
    profile::Host host;
    host.sockets = row.sockets;
    host.cores = row.cores;
    host.threads = row.threads;
    const Finding finding = host_cpus(facts, with(host));
    CHECK(finding.status == row.status);
    CHECK(finding.says == row.says);
    CHECK(finding.hint.empty() == (row.status != Status::warn));
  }
}

TEST_CASE("health: memory below what was promised fails, swap and little room warn, none left on / fails") {
  Facts facts;
  profile::Host host;
  host.memory = 1800_GiB;
  host.swap = profile::Host::Swap::none;
  host.root_free = 10_GiB;
  facts.memory = 1800_GiB;
  CHECK(host_memory(facts, with(host)).status == Status::pass);
  facts.memory = 1799_GiB;
  CHECK(host_memory(facts, with(host)).status == Status::fail);

  facts.swaps = std::vector<facts::Swap>{};
  CHECK(host_swap(facts, with(host)).status == Status::pass);
  facts.swaps = std::vector<facts::Swap>{{"/swap.img", 8_GiB}};
  CHECK(host_swap(facts, with(host)).says == "8.0 GiB in /swap.img");
  CHECK(host_swap(facts, with(host)).status == Status::warn);
  CHECK(host_swap(facts, with({})).status == Status::not_applicable);

  struct Row {
    Bytes free;
    Status status;
  };
  for (const Row& row : {Row{10_GiB, Status::pass}, Row{Bytes{(10_GiB).count - 1}, Status::warn},
                         Row{1_GiB, Status::warn}, Row{Bytes{(1_GiB).count - 1}, Status::fail}}) {
    CAPTURE(row.free.count);
    facts.root_space = system::Space{100_GiB, row.free, 1};
    CHECK(host_root(facts, with(host)).status == row.status);
  }
}

TEST_CASE("health: a clock that nobody keeps right is a warning") {
  Facts facts;
  profile::Host host;
  host.clock = profile::Host::Clock::synchronised;
  CHECK(host_clock(facts, with(host)).status == Status::unknown);
  facts.time_sync = system::TimeSync::free_running;
  CHECK(host_clock(facts, with(host)).status == Status::warn);
  facts.time_sync = system::TimeSync::synchronised;
  CHECK(host_clock(facts, with(host)).status == Status::pass);
}

TEST_CASE("health: InfiniBand ports must be there, active, and at their rate") {
  profile::Host host;
  host.infiniband = profile::Infiniband{2, 400};
  Facts facts;
  const facts::InfinibandPort good{"mlx5_ib0", "1", true, "4: ACTIVE", 400};
  const facts::InfinibandPort down{"mlx5_ib1", "1", false, "1: DOWN", 400};
  const facts::InfinibandPort slow{"mlx5_ib2", "1", true, "4: ACTIVE", 200};
  struct Row {
    std::vector<facts::InfinibandPort> ports;
    Status status;
    const char* says;
  };
  for (const Row& row : {
           Row{{good, good}, Status::pass, "2 ports active at 400 Gbit/s"},
           // A port of the management network that is down is not one of those that are asked for.
           Row{{good, good, down}, Status::pass, "2 ports active at 400 Gbit/s"},
           Row{{good, down}, Status::warn, "1 of 2 ports at full rate; mlx5_ib1:1: is 1: DOWN"},
           Row{{good, slow}, Status::warn, "1 of 2 ports at full rate; mlx5_ib2:1: 200 Gbit/s of 400"},
           Row{{}, Status::warn, "0 of 2 ports at full rate; the others are not there"},
       }) {
    CAPTURE(row.says);
    facts.infiniband = row.ports;
    const Finding finding = host_infiniband(facts, with(host));
    CHECK(finding.status == row.status);
    CHECK(finding.says == row.says);
    CHECK(finding.hint.empty() == (row.status == Status::pass));
  }
}

TEST_CASE("health: somebody must be able to open the GPUs") {
  profile::Host host;
  host.groups = {"render", "video"};
  Facts facts;
  facts.gpu_access = facts::GpuAccess{};
  facts.gpu_access->members = {{"render", {"ubuntu"}}, {"video", {"ubuntu"}}};
  CHECK(host_groups(facts, with(host)).status == Status::pass);
  facts.gpu_access->members["render"].clear();
  CHECK(host_groups(facts, with(host)).says == "group render has no members: only root can use the GPUs");
  facts.gpu_access->members.erase("video");
  CHECK(host_groups(facts, with(host)).says == "there is no group video");
  CHECK(host_groups(facts, with(host)).status == Status::warn);
  facts.gpu_access->open_to_all = true;
  CHECK(host_groups(facts, with(host)).status == Status::pass);
}

TEST_CASE("health: the next boot has a driver, or the finding says what is lacking") {
  const Profile profile = wants_gpus();
  CHECK(driver_next_boot(good_boot(), profile).says ==
        "kernel 6.14.0-33-generic has the driver that DKMS built");
  CHECK(driver_next_boot(good_boot(), Profile{}).status == Status::not_applicable);
  CHECK(driver_next_boot(Facts{}, profile).status == Status::unknown);

  Facts facts = good_boot();
  facts.next_boot->dkms_module.clear();
  Finding finding = driver_next_boot(facts, profile);
  CHECK(finding.status == Status::warn);
  CHECK(finding.says == "kernel 6.14.0-33-generic will have no amdgpu of DKMS: it was not built for it");
  CHECK(finding.hint.find("dkms install amdgpu/6.14.14-1 -k 6.14.0-33-generic") != std::string::npos);
  facts.next_boot->has_headers = false;
  CHECK(driver_next_boot(facts, profile).hint.find("linux-headers-6.14.0-33-generic") != std::string::npos);
  facts.next_boot->dkms_version.clear();
  CHECK(driver_next_boot(facts, profile).says == "kernel 6.14.0-33-generic will have no amdgpu at all");
  facts.next_boot->own_module = "/lib/modules/x/kernel/amdgpu.ko";
  CHECK(driver_next_boot(facts, profile).status == Status::warn);

  facts = good_boot();
  facts.next_boot->chosen_by_hand = "saved";
  CHECK(driver_next_boot(facts, profile).status == Status::unknown);
}

TEST_CASE("health: under Secure Boot only a driver that is known to be let in passes") {
  const Profile profile = wants_gpus();
  Facts facts = good_boot();
  facts.next_boot->secure_boot = facts::SecureBoot::on;
  facts.next_boot->signature = fail(Why::missing, "cannot tell who signed 'x': it is compressed");
  CHECK(driver_next_boot(facts, profile).status == Status::unknown);
  facts.next_boot->signature = facts::Signature::absent;
  CHECK(driver_next_boot(facts, profile).status == Status::warn);
  facts.next_boot->signature = facts::Signature::present;
  CHECK(driver_next_boot(facts, profile).status == Status::warn);  // by whom is not known
  facts.next_boot->has_owner_key = true;
  facts.driver = facts::Driver{true, true, true, "6.14.14"};
  CHECK(driver_next_boot(facts, profile).status == Status::pass);  // one of its kind runs
  facts.next_boot->has_owner_key = false;
  facts.kernel = facts::Kernel{"6.14.0-33-generic", "6.14", "generic"};
  CHECK(driver_next_boot(facts, profile).status == Status::pass);  // this very one runs
  facts.next_boot->secure_boot = fail(Why::missing, "cannot tell whether Secure Boot is on");
  CHECK(driver_next_boot(facts, profile).status == Status::unknown);
}

TEST_CASE("health: a next kernel that the table does not list is told before the reboot") {
  const Profile profile = test::shipped_profile();
  Tree tree("baremetal-spx");
  tree.file("/proc/uptime", "86400.00 1.00\n");
  tree.file("/boot/vmlinuz-6.20.0-1-generic", "k");
  tree.file("/lib/modules/6.20.0-1-generic/updates/dkms/amdgpu.ko", "m");
  const Finding finding = driver_next_boot(facts::gather(tree.files()), profile);
  CHECK(finding.status == Status::warn);
  CHECK(finding.says.starts_with("the next boot takes kernel 6.20.0-1-generic: "));
}
