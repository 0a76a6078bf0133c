#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <set>

#include "health/checks.h"
#include "health/page.h"
#include "health/shipped.h"
#include "support/golden.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::health;
using facts::Facts;
using fettle::test::Tree;
using profile::Profile;

namespace {

const auto noon = std::chrono::system_clock::time_point(std::chrono::seconds(1764000000));

// A captured machine with an overlay or none, up for a day.
Facts facts_of(const std::string& node, const std::string& overlay = {},
               const char* uptime = "86400.00 1.00\n") {
  Tree tree(node);
  if (!overlay.empty()) tree.overlay(overlay);
  tree.file("/proc/uptime", uptime);
  Facts facts = facts::gather(tree.files());
  facts.kernel_log = test::quiet_kernel_log();
  facts.root_space = system::Space{200_GiB, 100_GiB, 1};  // of the machine that runs the tests otherwise
  return facts;
}

Finding find(const Findings& findings, std::string_view id) {
  for (const NamedFinding& named : findings) {
    if (named.id == id) return named.finding;
  }
  FAIL_CHECK("no check ", id);
  return {};
}

Finding look(const Facts& facts, std::string_view id, const Profile& profile = test::shipped_profile()) {
  return find(run(facts, profile, noon), id);
}

// A node after a bad day: its overlay has what files can tell, the rest is what the collector and the system
// say.
Facts worn_facts(const Profile& profile) {
  Facts facts = facts_of("baremetal-spx", "worn");
  facts.root_space = system::Space{200_GiB, 1_GiB, 1};
  facts.time_sync = system::TimeSync::free_running;
  const std::map<profile::LogSubject, const char*> devices{{profile::LogSubject::gpu, "0000:27:00.0"},
                                                           {profile::LogSubject::ras, "0000:27:00.0"},
                                                           {profile::LogSubject::bus, "0000:27:00.0"},
                                                           {profile::LogSubject::storage, "nvme3"},
                                                           {profile::LogSubject::host, ""}};
  std::set<profile::LogSubject> told;
  for (const profile::LogRule& rule : profile.log_rules) {  // the first of each subject that is an error
    if (rule.severity == profile::LogWeight::error && told.insert(rule.about).second)
      facts.kernel_log->matches.push_back(
          {rule.name, devices.at(rule.about), 2, std::chrono::seconds(86000), noon});
  }
  return facts;
}

// A captured node on which everything that a check reads is of the wrong kind: a directory where a file
// should be, or the other way round.
Facts unreadable_facts(const Profile& profile) {
  Tree tree("azure-nd-mi300x-v5-spx");
  for (const char* const file :
       {"/etc/os-release", "/proc/sys/kernel/osrelease", "/sys/module/amdgpu/initstate",
        "/var/lib/dpkg/status", "/opt/rocm/.info/version", "/proc/meminfo", "/proc/swaps", "/etc/group",
        "/proc/uptime"})
    tree.remove(file).directory(file);
  for (const char* const directory : {"/boot", "/sys/bus/pci/devices", "/sys/class/drm", "/sys/class/kfd",
                                      "/sys/devices/system/cpu", "/sys/class/infiniband", "/run"})
    tree.remove(directory).file(directory, "\x7f\x45\x4c\x46");
  Facts facts = facts::gather(tree.files(), profile);
  facts.root_space = fail(Why::failed, "cannot tell the space of '/': Input/output error");
  return facts;
}

struct Page {
  std::string name;
  Findings findings;
};

std::vector<Page> captured_pages() {
  const Profile profile = test::shipped_profile();
  struct Row {
    const char* node;
    const char* overlay;
  };
  std::vector<Page> pages;
  for (const Row& row : {
           Row{"baremetal-spx", ""},
           Row{"azure-nd-mi300x-v5-spx", ""},
           Row{"baremetal-spx", "bad-pages"},
           Row{"baremetal-spx", "bad-settings"},
           Row{"baremetal-spx", "cpx-nps4"},
           Row{"baremetal-spx", "driver-in-tree"},
           Row{"baremetal-spx", "driver-not-loaded"},
           Row{"baremetal-spx", "gpu-missing"},
           Row{"baremetal-spx", "next-boot-without-driver"},
           Row{"baremetal-spx", "kernel-6.8-ga"},
           Row{"baremetal-spx", "link-unknown"},
           Row{"baremetal-spx", "os-not-listed"},
           Row{"baremetal-spx", "other-model"},
           Row{"baremetal-spx", "pcie-degraded"},
           Row{"baremetal-spx", "ras-inaccessible"},
           Row{"baremetal-spx", "ras-legacy-names"},
           Row{"baremetal-spx", "ras-umc-uncorrectable"},
           Row{"baremetal-spx", "rocm-core-sdk-7.14"},
           Row{"baremetal-spx", "software-not-listed"},
           Row{"azure-nd-mi300x-v5-spx", "vf-ras-counters-newer-driver"},
       }) {
    pages.push_back(
        {*row.overlay == '\0' ? row.node : row.overlay, run(facts_of(row.node, row.overlay), profile, noon)});
  }
  const Profile azure = test::shipped_profile("azure-nd-mi300x-v5");
  pages.push_back({"azure-nd-mi300x-v5-as-its-size", run(facts_of("azure-nd-mi300x-v5-spx"), azure, noon)});
  pages.push_back({"host-degraded", run(facts_of("azure-nd-mi300x-v5-spx", "host-degraded"), azure, noon)});
  pages.push_back({"cpx-nps4-as-wanted",
                   run(facts_of("baremetal-spx", "cpx-nps4"), test::shipped_profile("mi300x-cpx"), noon)});
  pages.push_back(
      {"workstation", run(facts_of("baremetal-spx"), test::shipped_profile("workstation"), noon)});
  pages.push_back({"worn", run(worn_facts(profile), profile, noon)});
  pages.push_back({"unreadable", run(unreadable_facts(azure), azure, noon)});
  return pages;
}

}  // namespace

TEST_CASE("health: the pages of captured nodes are as they were") {
  for (const Page& one : captured_pages())
    test::check_golden("health-" + one.name + ".txt", page(one.findings));
  test::check_golden("health-nothing-readable.txt", page(run(Facts{}, test::shipped_profile(), noon)));
}

TEST_CASE("health: every check passes, complains and does not know on some captured node") {
  std::map<std::string, std::set<Status>> seen;
  for (const Page& one : captured_pages()) {
    for (const NamedFinding& named : one.findings) {
      const Status status = named.finding.status;
      seen[named.id].insert(status == Status::fail ? Status::warn : status);
      // Who complains says what to do.
      if (status == Status::warn || status == Status::fail) {
        CAPTURE(one.name);
        CAPTURE(named.id);
        CHECK_FALSE(named.finding.hint.empty());
      }
    }
  }
  for (const Check& check : checks()) {
    CAPTURE(check.id);
    const std::set<Status>& statuses = seen[std::string(check.id)];
    CHECK(statuses.contains(Status::pass));
    CHECK(statuses.contains(Status::warn));
    CHECK(statuses.contains(Status::unknown));
  }
  CHECK(seen.size() == checks().size());
}

TEST_CASE("health: ids are those that were promised, each with a title and the time of its look") {
  std::vector<std::string> ids;
  for (const NamedFinding& named : run(Facts{}, Profile{}, noon)) {
    ids.push_back(named.id);
    CHECK_FALSE(named.title.empty());
    CHECK(named.checked_at == noon);
  }
  CHECK(ids == std::vector<std::string>{
                   "os.release",       "os.kernel",    "driver.amdgpu",   "driver.release", "rocm.version",
                   "driver.next_boot", "compat.stack", "gpu.count",       "gpu.model",      "gpu.cards",
                   "gpu.partition",    "gpu.memory",   "gpu.pcie",        "gpu.xgmi",       "ras.errors",
                   "ras.pages",        "ras.bus",      "log.gpu",         "log.ras",        "log.bus",
                   "log.storage",      "log.host",     "host.cpus",       "host.memory",    "host.swap",
                   "host.root",        "host.clock",   "host.infiniband", "host.groups"});
}

TEST_CASE("health: a profile without GPUs makes all of this not applicable, readable or not") {
  for (const Facts& facts : {facts_of("baremetal-spx"), Facts{}}) {
    for (const NamedFinding& named : run(facts, Profile{}, noon)) {
      CAPTURE(named.id);
      CHECK(named.finding.status == Status::not_applicable);
    }
  }
}

// P6. Each field in turn could not be read: what needs it must not pass, and on a machine where all else is
// well that is "unknown" with the reader's own words.
TEST_CASE("health: no check passes on a fact that could not be read") {
  Profile profile = test::shipped_profile();
  profile.host->sockets = 2;  // a profile that asks for all there is
  profile.host->memory = 2000_GiB;
  profile.host->infiniband = profile::Infiniband{8, 400};
  const Error error{Why::denied, "cannot read 'x': Permission denied", "ask root"};
  struct Field {
    const char* name;
    std::function<void(Facts&)> spoil;
    std::set<std::string> needed_by;
  };
  // What each device tells of itself needs the list of devices first.
  const std::set<std::string> of_devices = {"gpu.cards", "gpu.partition", "gpu.memory", "gpu.pcie",
                                            "gpu.xgmi",  "ras.errors",    "ras.pages",  "ras.bus"};
  const auto with = [&](std::set<std::string> more) {
    more.insert(of_devices.begin(), of_devices.end());
    return more;
  };
  const std::vector<Field> fields = {
      {"os", [&](Facts& f) { f.os = fail(error); }, {"os.release", "os.kernel", "compat.stack"}},
      {"kernel", [&](Facts& f) { f.kernel = fail(error); }, {"os.kernel", "compat.stack"}},
      {"driver", [&](Facts& f) { f.driver = fail(error); },
       with({"driver.amdgpu", "driver.release", "compat.stack", "gpu.count"})},
      {"driver_package",
       [&](Facts& f) { f.driver_package = fail(error); },
       {"driver.release", "compat.stack"}},
      {"rocm", [&](Facts& f) { f.rocm = fail(error); }, {"rocm.version", "compat.stack"}},
      {"gpus_on_pci", [&](Facts& f) { f.gpus_on_pci = fail(error); }, with({"gpu.count", "gpu.model"})},
      {"gpus_in_kfd", [&](Facts& f) { f.gpus_in_kfd = fail(error); }, {"gpu.count", "gpu.cards"}},
      {"cards", [&](Facts& f) { f.cards = fail(error); }, of_devices},
      {"kfd", [&](Facts& f) { f.kfd = fail(error); }, {"gpu.xgmi"}},
      {"drives", [&](Facts& f) { f.drives = fail(error); }, {}},
      {"arrays", [&](Facts& f) { f.arrays = fail(error); }, {}},
      {"mounts", [&](Facts& f) { f.mounts = fail(error); }, {}},
      {"identity", [&](Facts& f) { f.identity = fail(error); }, {}},
      {"memory", [&](Facts& f) { f.memory = fail(error); }, {"host.memory"}},
      {"next_boot", [&](Facts& f) { f.next_boot = fail(error); }, {"driver.next_boot"}},
      {"hardware", [&](Facts& f) { f.hardware = fail(error); }, {}},
      {"cpus", [&](Facts& f) { f.cpus = fail(error); }, {"host.cpus"}},
      {"swaps", [&](Facts& f) { f.swaps = fail(error); }, {"host.swap"}},
      {"root_space", [&](Facts& f) { f.root_space = fail(error); }, {"host.root"}},
      {"time_sync", [&](Facts& f) { f.time_sync = fail(error); }, {"host.clock"}},
      {"infiniband", [&](Facts& f) { f.infiniband = fail(error); }, {"host.infiniband"}},
      {"gpu_access", [&](Facts& f) { f.gpu_access = fail(error); }, {"host.groups"}},
      {"kernel_log",
       [&](Facts& f) { f.kernel_log = fail(error); },
       {"log.gpu", "log.ras", "log.bus", "log.storage", "log.host"}},
      {"uptime", [&](Facts& f) { f.uptime = fail(error); }, {}},
  };
  Facts good = facts_of("baremetal-spx");
  good.infiniband = std::vector<facts::InfinibandPort>(8, {"mlx5_0", "1", true, "4: ACTIVE", 400});
  const Findings before = run(good, profile, noon);
  for (const NamedFinding& named : before) {
    CAPTURE(named.id);
    CHECK(named.finding.status == Status::pass);
  }
  std::set<std::string> reached;
  for (const Field& field : fields) {
    CAPTURE(field.name);
    Facts spoilt = good;
    field.spoil(spoilt);
    for (const NamedFinding& named : run(spoilt, profile, noon)) {
      CAPTURE(named.id);
      if (field.needed_by.contains(named.id)) {
        reached.insert(named.id);
        CHECK(named.finding.status == Status::unknown);
        CHECK(named.finding.says == error.said);
        CHECK(named.finding.hint == error.hint);
      } else {
        CHECK(named.finding.status == Status::pass);
      }
    }
  }
  CHECK(reached.size() == checks().size());  // every check has a fact that it cannot do without
  for (const NamedFinding& named : run(Facts{}, profile, noon))
    CHECK(named.finding.status == Status::unknown);
}

// The same on every captured machine: taking a fact away never makes a finding pass that did not.
TEST_CASE("health: knowing less never looks better") {
  const Profile profile = test::shipped_profile();
  const Error error{Why::failed, "cannot look", ""};
  const std::vector<std::function<void(Facts&)>> spoil = {
      [&](Facts& f) { f.os = fail(error); },          [&](Facts& f) { f.kernel = fail(error); },
      [&](Facts& f) { f.driver = fail(error); },      [&](Facts& f) { f.driver_package = fail(error); },
      [&](Facts& f) { f.rocm = fail(error); },        [&](Facts& f) { f.gpus_on_pci = fail(error); },
      [&](Facts& f) { f.gpus_in_kfd = fail(error); }, [&](Facts& f) { f.uptime = fail(error); },
      [&](Facts& f) { f.cards = fail(error); },       [&](Facts& f) { f.kfd = fail(error); }};
  for (const char* const overlay :
       {"", "bad-pages", "pcie-degraded", "ras-umc-uncorrectable", "driver-in-tree", "driver-not-loaded",
        "gpu-missing", "rocm-core-sdk-7.14"}) {
    const Facts machine = facts_of("baremetal-spx", overlay);
    const Findings before = run(machine, profile, noon);
    for (std::size_t one = 0; one < spoil.size(); ++one) {
      for (std::size_t two = one; two < spoil.size(); ++two) {
        Facts spoilt = machine;
        spoil[one](spoilt);
        spoil[two](spoilt);
        const Findings after = run(spoilt, profile, noon);
        for (std::size_t i = 0; i < after.size(); ++i) {
          CAPTURE(overlay);
          CAPTURE(after[i].id);
          CHECK_FALSE((after[i].finding.status == Status::pass && before[i].finding.status != Status::pass));
        }
      }
    }
  }
}

TEST_CASE("health: a driver that is late after boot is starting, then it has failed") {
  const Facts early = facts_of("baremetal-spx", "driver-not-loaded", "300.00 1.00\n");
  for (const char* const id : {"driver.amdgpu", "gpu.count"}) {
    const Finding finding = look(early, id);
    CHECK(finding.status == Status::unknown);
    CHECK(finding.says == "starting: the amdgpu module is not loaded yet, 5 minutes after boot");
    CHECK_FALSE(finding.hint.empty());
  }
  const Facts last_moment = facts_of("baremetal-spx", "driver-not-loaded", "1199.99 1.00\n");
  CHECK(look(last_moment, "driver.amdgpu").status == Status::unknown);
  const Facts late = facts_of("baremetal-spx", "driver-not-loaded", "1200.00 1.00\n");
  CHECK(look(late, "driver.amdgpu").status == Status::fail);
  CHECK(look(late, "gpu.count").says == "8 of 8 MI300X GPUs on PCI, but no driver");
  Facts no_clock = late;
  no_clock.uptime = fail(Why::missing, "cannot read '/proc/uptime': gone");
  CHECK(look(no_clock, "driver.amdgpu").status == Status::unknown);
  CHECK(look(no_clock, "gpu.count").says == "cannot read '/proc/uptime': gone");
}

TEST_CASE("health: PCI, driver and KFD must agree on the number of GPUs") {
  struct Row {
    unsigned on_pci;
    unsigned in_kfd;
    bool live;
    Status status;
    const char* says;
  };
  for (const Row& row : {
           Row{8, 8, true, Status::pass, "8 of 8 MI300X GPUs on PCI and in the driver"},
           Row{7, 7, true, Status::fail, "7 of 8 MI300X GPUs on PCI"},
           Row{0, 0, true, Status::fail, "0 of 8 MI300X GPUs on PCI"},
           Row{8, 6, true, Status::fail, "8 of 8 MI300X GPUs on PCI, but the driver has only 6"},
           Row{8, 6, false, Status::unknown, "starting: the driver has taken up 6 of 8 GPUs"},
           Row{8, 9, true, Status::warn, "the driver has 9 GPUs, PCI shows 8"},
           Row{16, 16, true, Status::warn, "16 MI300X GPUs on PCI, the profile expects 8"},
       }) {
    CAPTURE(row.says);
    Facts facts = facts_of("baremetal-spx");
    facts.gpus_on_pci->resize(row.on_pci, facts::Gpu{"0001:00:00.0", 0x74a1});
    facts.gpus_in_kfd = row.in_kfd;
    facts.driver->live = row.live;
    const Finding finding = look(facts, "gpu.count");
    CHECK(finding.status == row.status);
    CHECK(finding.says == row.says);
    CHECK(finding.hint.empty() == (row.status == Status::pass));
  }
}

TEST_CASE("health: KFD that may not be read is unknown and says what the unit lacks") {
  Facts facts = facts_of("baremetal-spx");
  facts.gpus_in_kfd =
      fail(Why::denied, "cannot read '/sys/class/kfd/…': Operation not permitted", "DeviceAllow=");
  const Finding finding = look(facts, "gpu.count");
  CHECK(finding.status == Status::unknown);
  CHECK(finding.hint == "DeviceAllow=");
}

TEST_CASE("health: the model of the GPUs is told by their PCI ids") {
  struct Row {
    std::vector<unsigned> ids;
    Status status;
    const char* says;
  };
  for (const Row& row : {
           Row{{0x74a1, 0x74a1}, Status::pass, "2 MI300X"},
           Row{{0x74b5, 0x74bd}, Status::pass, "1 MI300X HF (VF), 1 MI300X VF"},
           Row{{0x74a1, 0x1638}, Status::pass, "1 MI300X, and others: 1 1002:1638"},
           Row{{0x74a2, 0x74a2}, Status::fail, "2 MI308X, but the profile expects MI300X"},
           Row{{0x1638}, Status::fail, "1 1002:1638, but the profile expects MI300X"},
           Row{{}, Status::fail, "no AMD GPU is on PCI, the profile expects MI300X"},
       }) {
    CAPTURE(row.says);
    Facts facts;
    std::vector<facts::Gpu> gpus;
    for (const unsigned id : row.ids) gpus.push_back({"0000:00:00.0", id});
    facts.gpus_on_pci = gpus;
    const Finding finding = look(facts, "gpu.model");
    CHECK(finding.status == row.status);
    CHECK(finding.says == row.says);
  }
}

TEST_CASE("health: the package of the driver and the module that runs are told apart") {
  Facts facts = facts_of("baremetal-spx");
  CHECK(look(facts, "driver.release").says == "driver 30.10.2 is in the table of 2026-11");
  facts.driver->module_version = "6.12.12";  // upgraded, not rebooted
  Finding finding = look(facts, "driver.release");
  CHECK(finding.status == Status::warn);
  CHECK(finding.says == "amdgpu-dkms is 30.10.2 (module 6.14.14), but module 6.12.12 runs");
  // The module that runs is judged: 6.12.12 is 6.4.x, which 7.0.2 lists.
  CHECK(look(facts, "compat.stack").status == Status::pass);
  facts.driver->module_version = "";
  CHECK(look(facts, "driver.release").says ==
        "amdgpu-dkms is 30.10.2 (module 6.14.14), but the kernel's own module runs");
  CHECK(look(facts, "compat.stack").status == Status::fail);
  facts = facts_of("baremetal-spx");
  facts.driver_package = facts::DriverPackage{};
  finding = look(facts, "driver.release");
  CHECK(finding.status == Status::warn);
  CHECK(finding.says == "amdgpu-dkms is not installed; module 6.14.14 is of release 30.10.0 to 30.10.2");
  facts.driver_package = facts::DriverPackage{true, "1:7.0.0.33100000-1", "33.10.0", "7.0.0"};
  facts.driver->module_version = "7.0.0";
  CHECK(look(facts, "driver.release").says == "driver 33.10.0 is newer than the table of 2026-11");
  CHECK(look(facts, "compat.stack").status == Status::warn);
}

TEST_CASE("health: without ROCm on the host the stack is judged for containers") {
  Facts facts = facts_of("baremetal-spx");
  facts.rocm = std::vector<facts::Rocm>{};
  CHECK(look(facts, "rocm.version").status == Status::not_applicable);
  CHECK(look(facts, "compat.stack").status == Status::pass);
  facts.rocm =
      std::vector<facts::Rocm>{{"/opt/rocm-6.4.3", "6.4.3", false}, {"/opt/rocm-7.0.2", "7.0.2", false}};
  CHECK(look(facts, "rocm.version").status == Status::warn);
  CHECK(look(facts, "compat.stack").status == Status::unknown);
  facts.rocm->at(1).is_default = true;
  CHECK(look(facts, "rocm.version").says == "ROCm 7.0.2 is in the table of 2026-11; it is the default of 2");
  CHECK(look(facts, "compat.stack").status == Status::pass);
  facts.rocm->at(1).is_default = false;
  facts.rocm->at(0).is_default = true;
  CHECK(look(facts, "compat.stack").status == Status::fail);
}

TEST_CASE("health: a profile without its tables gives unknown, not pass") {
  Profile bare;
  bare.gpus = profile::Gpus{"MI300X", 8};
  for (const NamedFinding& named : run(facts_of("baremetal-spx"), bare, noon)) {
    CAPTURE(named.id);
    if (named.id == "driver.amdgpu" || named.id == "driver.next_boot") continue;  // these need no table
    if (named.id.starts_with("host.")) continue;                                  // nor do these
    CHECK(named.finding.status == Status::unknown);
    CHECK_FALSE(named.finding.hint.empty());
  }
}

TEST_CASE("health: a page has a line for each finding, hints below, and a summary, worst first") {
  const Findings findings = {{"a.b", "title", {Status::pass, "fine", ""}, noon},
                             {"long.name", "title", {Status::fail, "broken", "mend it"}, noon},
                             {"c", "title", {Status::not_applicable, "nothing", ""}, noon}};
  CHECK(page(findings) ==
        "pass     a.b        fine\n"
        "fail     long.name  broken\n"
        "                    hint: mend it\n"
        "n/a      c          nothing\n"
        "3 checks: 1 fail, 1 pass, 1 n/a\n");
  CHECK(page({}) == "0 checks\n");
}
