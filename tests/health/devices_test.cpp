#include <doctest/doctest.h>

#include <functional>

#include "health/checks.h"
#include "health/shipped.h"
#include "health/tally.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::health;
using facts::Card;
using facts::Facts;
using fettle::test::Tree;

namespace {

const auto noon = std::chrono::system_clock::time_point(std::chrono::seconds(1764000000));

Facts facts_of(const std::string& node, const std::string& overlay = {}) {
  Tree tree(node);
  if (!overlay.empty()) tree.overlay(overlay);
  tree.file("/proc/uptime", "86400.00 1.00\n");
  return facts::gather(tree.files());
}

Finding look(const Facts& facts, std::string_view id,
             const profile::Profile& profile = test::shipped_profile()) {
  for (const NamedFinding& named : run(facts, profile, noon)) {
    if (named.id == id) return named.finding;
  }
  FAIL_CHECK("no check ", id);
  return {};
}

const Error gone{Why::missing, "cannot read 'x': No such file or directory", ""};
const Error resetting{Why::denied, "cannot read 'x': Operation not permitted", ""};

}  // namespace

// One row for each way a device can stand; the first GPU is changed, seven stay as they are.
TEST_CASE("health: one GPU that differs is told by its address, and what cannot be read stays unknown") {
  const Facts good = facts_of("baremetal-spx");
  struct Row {
    const char* id;
    std::function<void(Card&)> change;
    Status status;
    const char* says;
  };
  using facts::BadPages;
  using facts::PcieLink;
  for (const Row& row : {
           Row{"gpu.partition", [](Card&) {}, Status::pass, "SPX/NPS1 on 8 GPUs"},
           Row{"gpu.partition", [](Card& c) { c.compute_partition = std::string("CPX"); }, Status::warn,
               "0000:05:00.0: CPX/NPS1, the profile wants SPX/NPS1"},
           Row{"gpu.partition", [](Card& c) { c.compute_partition = fail(resetting); }, Status::unknown,
               "0000:05:00.0: cannot read 'x': Operation not permitted"},
           Row{"gpu.partition", [](Card& c) { c.memory_partition = fail(gone); }, Status::unknown,
               "0000:05:00.0: the driver does not show it"},
           Row{"gpu.memory", [](Card&) {}, Status::pass, "8 GPUs with 192.0 GiB each"},
           Row{"gpu.memory", [](Card& c) { c.vram = 191_GiB; }, Status::fail,
               "0000:05:00.0: 191.0 GiB, others have 192.0 GiB"},
           Row{"gpu.memory", [](Card& c) { c.vram = 96_GiB; }, Status::fail,
               "0000:05:00.0: 96.0 GiB, the profile expects 190.0 GiB"},
           Row{"gpu.memory", [](Card& c) { c.vram = fail(gone); }, Status::unknown,
               "0000:05:00.0: the driver does not show it"},
           Row{"gpu.pcie", [](Card&) {}, Status::pass, "8 GPUs at 32.0 GT/s PCIe x16"},
           Row{"gpu.pcie",
               [](Card& c) {
                 c.link = PcieLink{"16.0 GT/s PCIe", "32.0 GT/s PCIe", 16, 16};
               },
               Status::fail, "0000:05:00.0: 16.0 GT/s PCIe x16, it can 32.0 GT/s PCIe x16"},
           Row{"gpu.pcie",
               [](Card& c) {
                 c.link = PcieLink{"Unknown", "Unknown", 0, 0};
               },
               Status::unknown, "0000:05:00.0: the link is not told"},
           Row{"gpu.pcie", [](Card& c) { c.link = fail(resetting); }, Status::unknown,
               "0000:05:00.0: cannot read 'x': Operation not permitted"},
           Row{"gpu.xgmi", [](Card&) {}, Status::pass, "each of 8 GPUs reaches all others over xGMI"},
           Row{"gpu.xgmi", [](Card& c) { c.hive = 0; }, Status::fail, "xGMI: the GPUs are not in one hive"},
           Row{"gpu.xgmi", [](Card& c) { c.hive = 7; }, Status::fail, "xGMI: the GPUs are not in one hive"},
           Row{"ras.errors", [](Card&) {}, Status::pass, "none that was not corrected"},
           Row{"ras.errors", [](Card& c) { (*c.ras)["umc"].corrected = 4; }, Status::pass,
               "none that was not corrected; 4 corrected"},
           Row{"ras.errors", [](Card& c) { (*c.ras)["umc"].deferred = 2; }, Status::warn,
               "0000:05:00.0: 2 deferred errors in umc"},
           Row{"ras.errors", [](Card& c) { (*c.ras)["xgmi_wafl"].uncorrectable = 1; }, Status::fail,
               "0000:05:00.0: 1 uncorrectable error in xgmi_wafl"},
           Row{"ras.errors", [](Card& c) { c.ras = fail(gone); }, Status::unknown,
               "0000:05:00.0: the driver does not show it"},
           Row{"ras.pages", [](Card&) {}, Status::pass, "no bad pages on 8 GPUs"},
           Row{"ras.pages",
               [](Card& c) {
                 c.bad_pages = BadPages{3, 0, 0};
               },
               Status::warn, "0000:05:00.0: 3 bad pages"},
           Row{"ras.pages",
               [](Card& c) {
                 c.bad_pages = BadPages{1, 1, 1};
               },
               Status::warn, "0000:05:00.0: 3 bad pages, 1 still in use, 1 could not be taken out of use"},
           Row{"ras.pages",
               [](Card& c) {
                 c.bad_pages = BadPages{128, 0, 0};
               },
               Status::fail, "0000:05:00.0: 128 bad pages"},
           Row{"ras.pages", [](Card& c) { c.bad_pages = fail(gone); }, Status::unknown,
               "0000:05:00.0: the driver does not show it"},
           Row{"ras.bus", [](Card&) {}, Status::pass, "no uncorrected PCIe errors on 8 GPUs"},
           Row{"ras.bus", [](Card& c) { c.bus_errors = 1; }, Status::fail,
               "0000:05:00.0: 1 PCIe error not corrected"},
           Row{"ras.bus", [](Card& c) { c.bus_errors = fail(gone); }, Status::unknown,
               "0000:05:00.0: the driver does not show it"},
       }) {
    CAPTURE(row.id);
    CAPTURE(row.says);
    Facts facts = good;
    row.change(facts.cards->front());
    const Finding finding = look(facts, row.id);
    CHECK(to_text(finding.status) == to_text(row.status));
    CHECK(finding.says == row.says);
    if (row.status == Status::fail || row.status == Status::warn) CHECK_FALSE(finding.hint.empty());
  }
}

TEST_CASE("health: PCI, DRM and KFD are counted against each other") {
  Facts facts = facts_of("baremetal-spx");
  CHECK(look(facts, "gpu.cards").says == "8 of 8 GPUs on PCI have a DRM device, and KFD agrees");
  facts.gpus_in_kfd = 7U;
  CHECK(look(facts, "gpu.cards").says == "DRM has 8 GPUs, KFD has 7");
  CHECK(look(facts, "gpu.cards").status == Status::fail);
  facts.cards->pop_back();
  CHECK(look(facts, "gpu.cards").says == "7 of 8 GPUs on PCI have a DRM device");
  CHECK(look(facts, "gpu.cards").status == Status::fail);
  facts.driver->live = false;
  CHECK(look(facts, "gpu.cards").status == Status::unknown);
  facts.driver->live = true;
  facts.cards->clear();
  for (const char* const id : {"gpu.partition", "gpu.memory", "gpu.pcie", "gpu.xgmi", "ras.errors"})
    CHECK(look(facts, id).status == Status::unknown);
}

TEST_CASE("health: an xGMI link that is lacking is told, and one that could not be read is unknown") {
  Facts facts = facts_of("baremetal-spx");
  facts.kfd->front().xgmi_peers = std::size_t{6};
  CHECK(look(facts, "gpu.xgmi").status == Status::fail);
  CHECK(look(facts, "gpu.xgmi").says == "0000:05:00.0: reaches 6 of 7 peers over xGMI");
  facts.kfd->front().xgmi_peers = fail(resetting);
  CHECK(look(facts, "gpu.xgmi").status == Status::unknown);
  profile::Profile single = test::shipped_profile();
  single.gpus->count = 1;
  CHECK(look(facts, "gpu.xgmi", single).status == Status::not_applicable);
}

TEST_CASE("health: GPUs that are all alike pass without a wanted mode, and those that differ do not") {
  profile::Profile any = test::shipped_profile();
  any.gpus->compute_partition.clear();
  any.gpus->memory_partition.clear();
  Facts facts = facts_of("baremetal-spx");
  for (Card& card : *facts.cards) card.compute_partition = std::string("CPX");
  CHECK(look(facts, "gpu.partition", any).says == "CPX/NPS1 on 8 GPUs");
  CHECK(look(facts, "gpu.partition").says == "all 8 GPUs: CPX/NPS1, the profile wants SPX/NPS1");
  facts.cards->back().compute_partition = std::string("SPX");
  CHECK(look(facts, "gpu.partition", any).status == Status::warn);
  CHECK(look(facts, "gpu.partition", any).says == "the GPUs differ: CPX/NPS1 and SPX/NPS1");
}

TEST_CASE("health: in a virtual machine error counters are unknown, not fine, and links are not its matter") {
  Facts facts = facts_of("azure-nd-mi300x-v5-spx");
  CHECK(look(facts, "ras.errors").status == Status::unknown);
  CHECK(look(facts, "ras.errors").hint.find("the host keeps it") != std::string::npos);
  CHECK(look(facts, "ras.bus").status == Status::not_applicable);
  for (Card& card : *facts.cards) card.link = facts::PcieLink{"Unknown", "Unknown", 0, 0};
  CHECK(look(facts, "gpu.pcie").status == Status::not_applicable);
  // A newer driver asks the host: then they count.
  facts = facts_of("azure-nd-mi300x-v5-spx", "vf-ras-counters-newer-driver");
  (*facts.cards->front().ras)["umc"].uncorrectable = 1;
  CHECK(look(facts, "ras.errors").status == Status::fail);
}

TEST_CASE("health: a tally tells the worst first, and names three devices at most") {
  Tally tally;
  CHECK(tally.finding("fine").says == "fine");
  tally.add("a", {Status::warn, "hot", "cool it"});
  tally.add("b", {Status::fail, "gone", "find it"});
  CHECK(tally.finding("fine").says == "b: gone");
  CHECK(tally.finding("fine").hint == "find it");
  for (const char* const where : {"c", "d", "e"}) tally.add(where, {Status::fail, where, "find it"});
  CHECK(tally.finding("fine").says == "b: gone; c: c; d: d; and 1 more");
}
