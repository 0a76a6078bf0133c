#include "health/gpu_devices.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/text.h"
#include "health/gpus.h"
#include "health/tally.h"
#include "profile/gpu_models.h"

namespace fettle::health {
namespace {

using facts::Card;
using facts::Fact;
using facts::Facts;
using facts::Gpu;
using profile::Profile;

// The driver's own threshold on sampled machines: "Saved bad pages 150 reaches threshold value 128".
constexpr std::size_t bad_page_threshold = 128;

// The wanted GPUs that have a card, or why there is nothing to look at.
struct Wanted {
  std::vector<const Card*> cards;
  std::size_t on_pci = 0;
  bool is_virtual = false;
  std::optional<Finding> instead;
};

Wanted nothing(Finding finding) {
  return {{}, 0, false, std::move(finding)};
}

Wanted wanted_cards(const Facts& facts, const Profile& profile) {
  if (auto finding = without_models(profile)) return nothing(*finding);
  if (!facts.gpus_on_pci) return nothing(unknown(facts.gpus_on_pci.error()));
  if (!facts.driver) return nothing(unknown(facts.driver.error()));
  if (!facts.driver->loaded) {
    if (auto finding = driver_may_still_come(facts)) return nothing(*finding);
    return nothing({Status::unknown, "without a driver the GPUs tell nothing", "see driver.amdgpu"});
  }
  if (!facts.cards) return nothing(unknown(facts.cards.error()));
  Wanted wanted;
  for (const Gpu& gpu : *facts.gpus_on_pci) {
    const profile::GpuModel* const model = profile::wanted_model(gpu.pci_device, profile);
    if (model == nullptr) continue;
    ++wanted.on_pci;
    wanted.is_virtual = wanted.is_virtual || model->is_virtual;
    for (const Card& card : *facts.cards) {
      if (card.pci_address == gpu.pci_address) wanted.cards.push_back(&card);
    }
  }
  return wanted;
}

// The same for checks that ask the cards one by one: without any card they know nothing.
Wanted cards_to_ask(const Facts& facts, const Profile& profile) {
  Wanted wanted = wanted_cards(facts, profile);
  if (!wanted.instead && wanted.on_pci == 0) {
    wanted.instead = Finding{Status::unknown, "no " + profile.gpus->model + " is on PCI", "see gpu.count"};
  } else if (!wanted.instead && wanted.cards.empty()) {
    wanted.instead =
        Finding{Status::unknown, "no " + profile.gpus->model + " has a DRM device to ask", "see gpu.cards"};
  }
  return wanted;
}

// A value that the driver does not show is no fault, and nothing is known either.
template <class T>
Finding not_shown(const Fact<T>& fact, bool is_virtual) {
  if (fact.error().why != Why::missing) return unknown(fact.error());
  return {Status::unknown, "the driver does not show it",
          is_virtual ? "in a virtual machine the host keeps it from the guest; ask the provider"
                     : "a newer driver may"};
}

bool tells_link(const facts::PcieLink& link) {
  return link.width != 0 && link.speed != "Unknown" && !link.speed.empty();
}

}  // namespace

Finding gpu_cards(const Facts& facts, const Profile& profile) {
  const Wanted wanted = wanted_cards(facts, profile);
  if (wanted.instead) return *wanted.instead;
  const std::size_t cards = wanted.cards.size();
  const std::string seen = std::to_string(cards) + " of " + count_of(wanted.on_pci, "GPU") + " on PCI";
  if (cards < wanted.on_pci && !facts.driver->live)
    return {Status::unknown, "starting: " + seen + " have a DRM device", "look again in a minute"};
  if (cards < wanted.on_pci) {
    return {Status::fail, seen + " have a DRM device",
            "the driver refused the others, or ran out of DRM minors: `dmesg | grep -e amdgpu -e drm`"};
  }
  if (wanted.on_pci == 0) return {Status::fail, "no GPU of the profile is on PCI", "see gpu.model"};
  if (!facts.gpus_in_kfd) return unknown(facts.gpus_in_kfd.error());
  if (*facts.gpus_in_kfd < cards) {
    return {Status::fail,
            "DRM has " + count_of(cards, "GPU") + ", KFD has " + std::to_string(*facts.gpus_in_kfd),
            "they draw but do not compute: `dmesg | grep kfd` says why; reload the driver or reboot"};
  }
  return {Status::pass, seen + " have a DRM device, and KFD agrees", {}};
}

Finding gpu_partition(const Facts& facts, const Profile& profile) {
  const Wanted wanted = cards_to_ask(facts, profile);
  if (wanted.instead) return *wanted.instead;
  Tally tally;
  std::set<std::string> modes;
  const auto& gpus = *profile.gpus;
  for (const Card* const card : wanted.cards) {
    if (!card->compute_partition) {
      tally.add(card->pci_address, not_shown(card->compute_partition, wanted.is_virtual));
    } else if (!card->memory_partition) {
      tally.add(card->pci_address, not_shown(card->memory_partition, wanted.is_virtual));
    } else {
      const std::string mode = *card->compute_partition + "/" + *card->memory_partition;
      modes.insert(mode);
      const bool is_wrong =
          (!gpus.compute_partition.empty() && gpus.compute_partition != *card->compute_partition) ||
          (!gpus.memory_partition.empty() && gpus.memory_partition != *card->memory_partition);
      const std::string asked = (gpus.compute_partition.empty() ? "any" : gpus.compute_partition) + "/" +
                                (gpus.memory_partition.empty() ? "any" : gpus.memory_partition);
      tally.add(card->pci_address,
                is_wrong ? Finding{Status::warn, mode + ", the profile wants " + asked,
                                   wanted.is_virtual
                                       ? "a guest cannot switch it; ask the provider, or change the profile"
                                       : "with idle GPUs `fettle host apply` sets the compute mode, and says "
                                         "how to come to the memory mode"}
                         : Finding{Status::pass, mode, {}});
    }
  }
  Finding finding = tally.finding(
      modes.empty() ? std::string() : *modes.begin() + " on " + count_of(wanted.cards.size(), "GPU"));
  if (finding.status == Status::pass && modes.size() > 1) {
    std::string all;
    for (const std::string& mode : modes) all += (all.empty() ? "" : " and ") + mode;
    return {Status::warn, "the GPUs differ: " + all,
            "name compute_partition in the profile, then `fettle host apply` sets all GPUs alike"};
  }
  return finding;
}

Finding gpu_memory(const Facts& facts, const Profile& profile) {
  const Wanted wanted = cards_to_ask(facts, profile);
  if (wanted.instead) return *wanted.instead;
  Tally tally;
  Bytes most;
  for (const Card* const card : wanted.cards) {
    if (card->vram) most = std::max(most, *card->vram);
  }
  for (const Card* const card : wanted.cards) {
    if (!card->vram) {
      tally.add(card->pci_address, not_shown(card->vram, wanted.is_virtual));
    } else if (*card->vram < profile.gpus->memory) {
      tally.add(
          card->pci_address,
          {Status::fail, to_text(*card->vram) + ", the profile expects " + to_text(profile.gpus->memory),
           "memory is missing: power-cycle the node, then have the GPU looked at"});
    } else if (*card->vram < most) {
      tally.add(card->pci_address,
                {Status::fail, to_text(*card->vram) + ", others have " + to_text(most),
                 "one GPU with less memory limits all of a model that is split: have it looked at"});
    } else {
      tally.add(card->pci_address, {Status::pass, {}, {}});
    }
  }
  return tally.finding(count_of(wanted.cards.size(), "GPU") + " with " + to_text(most) + " each");
}

Finding gpu_pcie(const Facts& facts, const Profile& profile) {
  const Wanted wanted = cards_to_ask(facts, profile);
  if (wanted.instead) return *wanted.instead;
  Tally tally;
  std::string link;
  for (const Card* const card : wanted.cards) {
    if (!card->link) {
      tally.add(card->pci_address, not_shown(card->link, wanted.is_virtual));
      continue;
    }
    const facts::PcieLink& at = *card->link;
    const std::string now = at.speed + " x" + std::to_string(at.width);
    if (!tells_link(at)) {
      tally.add(card->pci_address, wanted.is_virtual
                                       ? Finding{Status::pass, {}, {}}
                                       : Finding{Status::unknown, "the link is not told",
                                                 "`lspci -vv` as root may know; in a virtual machine it is "
                                                 "normal"});
    } else if (at.width < at.top_width || at.speed != at.top_speed) {
      tally.add(card->pci_address,
                {Status::fail, now + ", it can " + at.top_speed + " x" + std::to_string(at.top_width),
                 "loading models and RDMA suffer: reboot; if it stays, reseat the GPU or its cable"});
    } else {
      link = now;
      tally.add(card->pci_address, {Status::pass, {}, {}});
    }
  }
  if (link.empty() && tally.finding({}).status == Status::pass)
    return not_applicable("a virtual machine does not tell its links");
  return tally.finding(count_of(wanted.cards.size(), "GPU") + " at " + link);
}

Finding gpu_xgmi(const Facts& facts, const Profile& profile) {
  const Wanted wanted = cards_to_ask(facts, profile);
  if (wanted.instead) return *wanted.instead;
  if (!facts.kfd) return unknown(facts.kfd.error());
  const std::size_t count = profile.gpus->count;
  if (count < 2) return not_applicable("one GPU has no peers");
  const std::size_t gpus = facts::count_gpus(*facts.kfd);
  Tally tally;
  std::set<std::uint64_t> hives;
  for (const Card* const card : wanted.cards) {
    if (card->hive) hives.insert(*card->hive);
  }
  for (const facts::KfdDevice& device : *facts.kfd) {
    const std::string where = facts::pci_address_of(device);
    if (!device.xgmi_peers) {
      tally.add(where, not_shown(device.xgmi_peers, wanted.is_virtual));
    } else if (*device.xgmi_peers + 1 < count) {
      tally.add(where, {Status::fail,
                        "reaches " + std::to_string(*device.xgmi_peers) + " of " + std::to_string(count - 1) +
                            " peers over xGMI",
                        "collectives fall back to PCIe: see gpu.count first; then power-cycle the node"});
    } else {
      tally.add(where, {Status::pass, {}, {}});
    }
  }
  if (hives.size() > 1 || hives.count(0) != 0) {
    tally.add("xGMI", {Status::fail, "the GPUs are not in one hive",
                       "power-cycle the node: the links were not trained at boot"});
  }
  return tally.finding("each of " + count_of(gpus, "GPU") + " reaches all others over xGMI");
}

Finding ras_errors(const Facts& facts, const Profile& profile) {
  const Wanted wanted = cards_to_ask(facts, profile);
  if (wanted.instead) return *wanted.instead;
  Tally tally;
  std::uint64_t corrected = 0;
  for (const Card* const card : wanted.cards) {
    if (!card->ras) {
      tally.add(card->pci_address, not_shown(card->ras, wanted.is_virtual));
      continue;
    }
    for (const auto& [block, counts] : *card->ras) {
      corrected += counts.corrected;
      if (counts.uncorrectable > 0) {
        tally.add(card->pci_address,
                  {Status::fail, count_of(counts.uncorrectable, "uncorrectable error") + " in " + block,
                   "drain the node; reset the GPU or reboot. The counters start anew then: if it comes back, "
                   "have the GPU replaced"});
      } else if (counts.deferred > 0) {
        tally.add(card->pci_address,
                  {Status::warn, count_of(counts.deferred, "deferred error") + " in " + block,
                   "poisoned memory that nobody read yet; reboot when the node is drained"});
      }
    }
    tally.add(card->pci_address, {Status::pass, {}, {}});
  }
  return tally.finding("none that was not corrected" +
                       (corrected == 0 ? std::string() : "; " + std::to_string(corrected) + " corrected"));
}

Finding ras_pages(const Facts& facts, const Profile& profile) {
  const Wanted wanted = cards_to_ask(facts, profile);
  if (wanted.instead) return *wanted.instead;
  Tally tally;
  for (const Card* const card : wanted.cards) {
    if (!card->bad_pages) {
      tally.add(card->pci_address, not_shown(card->bad_pages, wanted.is_virtual));
      continue;
    }
    const facts::BadPages& pages = *card->bad_pages;
    const std::size_t all = pages.reserved + pages.pending + pages.failed;
    std::string says = count_of(all, "bad page");
    if (pages.pending > 0) says += ", " + std::to_string(pages.pending) + " still in use";
    if (pages.failed > 0) says += ", " + std::to_string(pages.failed) + " could not be taken out of use";
    if (all >= bad_page_threshold) {
      tally.add(card->pci_address, {Status::fail, says,
                                    "at " + std::to_string(bad_page_threshold) +
                                        " the driver gives the GPU up: have it replaced"});
    } else if (all > 0) {
      tally.add(card->pci_address, {Status::warn, says,
                                    pages.pending + pages.failed > 0
                                        ? "reboot when the node is drained, so that they are taken out of use"
                                        : "out of use, nothing to do; watch whether they become more"});
    } else {
      tally.add(card->pci_address, {Status::pass, {}, {}});
    }
  }
  return tally.finding("no bad pages on " + count_of(wanted.cards.size(), "GPU"));
}

Finding ras_bus(const Facts& facts, const Profile& profile) {
  const Wanted wanted = cards_to_ask(facts, profile);
  if (wanted.instead) return *wanted.instead;
  Tally tally;
  std::size_t told = 0;
  for (const Card* const card : wanted.cards) {
    if (!card->bus_errors && card->bus_errors.error().why == Why::missing && wanted.is_virtual) continue;
    if (!card->bus_errors) {
      tally.add(card->pci_address, not_shown(card->bus_errors, wanted.is_virtual));
      continue;
    }
    ++told;
    tally.add(card->pci_address,
              *card->bus_errors == 0
                  ? Finding{Status::pass, {}, {}}
                  : Finding{Status::fail, count_of(*card->bus_errors, "PCIe error") + " not corrected",
                            "`dmesg | grep AER` tells which; reseat the GPU or its riser if they come back"});
  }
  Finding finding = tally.finding("no uncorrected PCIe errors on " + count_of(told, "GPU"));
  if (told == 0 && finding.status == Status::pass)
    return not_applicable("a virtual machine does not count PCIe errors");
  return finding;
}

}  // namespace fettle::health
