#include "health/expectations.h"

#include <doctest/doctest.h>

#include <functional>

#include "health/checks.h"
#include "health/shipped.h"
#include "profile/load.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::health;
using facts::Facts;
using fettle::test::Tree;
using profile::Profile;

namespace {

Facts good_node(const std::string& node = "baremetal-spx") {
  Tree tree(node);
  tree.file("/proc/uptime", "86400.00 1.00\n");
  Facts facts = facts::gather(tree.files());
  facts.kernel_log = test::quiet_kernel_log();
  facts.cpus = facts::Cpus{2, 96, 192};
  facts.memory = 2000_GiB;
  facts.drives = std::vector<facts::Drive>{};
  return facts;
}

const Profile& shipped() {
  static const Profile profile = test::shipped_profile();
  return profile;
}

facts::Drive drive(const std::string& model) {
  facts::Drive made;
  made.model = model;
  return made;
}

// The profile that a text says, on top of the shipped ones.
Profile loaded(const std::string& yaml, const std::string& name) {
  Tree tree;
  tree.directory("/usr/share/fettle");
  std::filesystem::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                        std::filesystem::copy_options::recursive);
  tree.file("/etc/fettle/profiles/" + name + ".yaml", yaml);
  tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: " + name + "\n");
  const profile::Loaded all = profile::load(tree.files());
  for (const profile::Complaint& complaint : all.complaints) FAIL_CHECK(profile::to_text(complaint));
  REQUIRE(all.profile);
  return *all.profile;
}

}  // namespace

TEST_CASE("health: the profile of a good node expects what it has, and the node passes by it") {
  Facts facts = good_node();
  facts.infiniband = std::vector<facts::InfinibandPort>{{"mlx5_0", "1", true, "4: ACTIVE", 400},
                                                        {"mlx5_1", "1", true, "4: ACTIVE", 400},
                                                        {"mlx5_2", "1", true, "4: ACTIVE", 25},
                                                        {"mlx5_3", "1", false, "1: DOWN", 400}};
  const Expectations made = expectations(
      facts, shipped(), {drive("Microsoft NVMe Direct Disk v2"), drive("Microsoft NVMe Direct Disk v2")},
      "rack-7");
  for (const Error& refusal : made.refusals) FAIL_CHECK(refusal.said);
  const Profile profile = loaded(made.yaml, "rack-7");
  CHECK(profile.extends == "mi300x");
  CHECK(profile.gpus->model == "MI300X");
  CHECK(profile.gpus->count == 8);
  CHECK(profile.gpus->compute_partition == "SPX");
  CHECK(profile.gpus->memory_partition == "NPS1");
  CHECK(profile.gpus->memory == 190_GiB);
  CHECK(profile.host->sockets == 2);
  CHECK(profile.host->threads == 192);
  CHECK(profile.host->memory == 1980_GiB);
  CHECK(profile.host->infiniband->ports == 2);
  CHECK(profile.host->infiniband->rate_gbit == 400);
  CHECK(profile.host->settings.size() == shipped().host->settings.size());
  CHECK(profile.cache->drives->count == 2);
  CHECK(profile.cache->drives->models == std::vector<std::string>{"Microsoft NVMe Direct Disk v2"});
  CHECK(profile.cache->drives->exclude_models == shipped().cache->drives->exclude_models);
  CHECK(profile.cache->reserve == shipped().cache->reserve);
  CHECK(profile.caches.size() == shipped().caches.size());
  facts.root_space = system::Space{200_GiB, 100_GiB, 1};
  for (const NamedFinding& named : run(facts, profile, {})) {
    CAPTURE(named.id);
    CAPTURE(named.finding.says);
    CHECK(named.finding.status == Status::pass);
  }
}

TEST_CASE(
    "health: nothing is expected that was not read: each such fact is a refusal with the reader's words") {
  const Error error{Why::denied, "cannot read 'x': Permission denied", "ask root"};
  const std::vector<std::function<void(Facts&)>> spoil = {
      [&](Facts& f) { f.gpus_on_pci = fail(error); },
      [&](Facts& f) { f.gpus_in_kfd = fail(error); },
      [&](Facts& f) { f.cards = fail(error); },
      [&](Facts& f) { f.cards->at(3).vram = fail(error); },
      [&](Facts& f) { f.cards->at(3).compute_partition = fail(error); },
      [&](Facts& f) { f.cpus = fail(error); },
      [&](Facts& f) { f.memory = fail(error); },
      [&](Facts& f) { f.swaps = fail(error); },
      [&](Facts& f) { f.time_sync = fail(error); },
      [&](Facts& f) { f.infiniband = fail(error); },
      [&](Facts& f) { f.drives = fail(error); },
  };
  for (std::size_t at = 0; at < spoil.size(); ++at) {
    CAPTURE(at);
    Facts facts = good_node();
    // The display of the BMC is a card too, and nobody's expectation.
    std::erase_if(*facts.cards, [](const facts::Card& card) { return !card.vram; });
    REQUIRE(facts.cards->size() == 8);
    spoil[at](facts);
    const Expectations made = expectations(facts, shipped(), {}, "x");
    CHECK(made.yaml.empty());
    REQUIRE_FALSE(made.refusals.empty());
    CHECK(made.refusals.front().said == error.said);
  }
}

TEST_CASE("health: a node with errors, unequal GPUs or fewer of them in the driver is nobody's example") {
  struct Row {
    const char* name;
    void (*spoil)(Facts&);
    const char* says;
  };
  for (const Row& row : {
           Row{"driver", [](Facts& f) { f.gpus_in_kfd = 7; }, "8 GPUs are on PCI, 7 in the driver"},
           Row{"mode", [](Facts& f) { f.cards->back().compute_partition = std::string("CPX"); },
               "differ in compute_partition"},
           Row{"model", [](Facts& f) { f.gpus_on_pci->back().pci_device = 0x74a5; }, "are of 2 models"},
           Row{"log",
               [](Facts& f) {
                 f.kernel_log->matches = {{"reset_failed", "0000:27:00.0", 1, std::chrono::seconds(1), {}}};
               },
               "log.gpu"},
           Row{"ras",
               [](Facts& f) {
                 for (facts::Card& card : *f.cards) {
                   if (card.ras) (*card.ras)["umc"].uncorrectable = 1;
                 }
               },
               "ras.errors"},
       }) {
    CAPTURE(row.name);
    Facts facts = good_node();
    row.spoil(facts);
    const Expectations made = expectations(facts, shipped(), {}, "x");
    CHECK(made.yaml.empty());
    std::string all;
    for (const Error& refusal : made.refusals) all += refusal.said + "\n";
    CHECK(all.find(row.says) != std::string::npos);
  }
}

TEST_CASE("health: a machine without GPUs, or whose driver has no partition files, expects none") {
  Facts facts = good_node();
  facts.gpus_on_pci = std::vector<facts::Gpu>{};
  const Expectations none = expectations(facts, test::shipped_profile("no-gpu"), {}, "plain");
  CHECK(none.refusals.empty());
  CHECK(none.yaml.find("gpus:") == std::string::npos);
  CHECK(none.yaml.find("cache:") == std::string::npos);
  facts = good_node();
  for (facts::Card& card : *facts.cards) card.memory_partition = fail(Why::missing, "cannot read 'x'");
  const Expectations made = expectations(facts, shipped(), {}, "x");
  CHECK(made.refusals.empty());
  CHECK(made.yaml.find("memory_partition") == std::string::npos);
  CHECK(made.yaml.find("compute_partition: \"SPX\"") != std::string::npos);
}
