#include "profile/choose.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>

#include "base/text.h"
#include "system/pci.h"

namespace fettle::profile {
namespace {

struct Machine {
  std::vector<system::PciDevice> gpus;  // that compute
  std::string vendor;
  std::string product;
};

Result<std::string> dmi(const system::Files& files, const std::string& name) {
  const auto text = files.read("/sys/class/dmi/id/" + name, 64_KiB);
  if (text) return std::string(trim(*text));
  if (text.error().why == Why::missing) return std::string();  // a machine without DMI
  return fail(text.error());
}

// A machine without any PCI bus has no GPU either.
Result<Machine> look(const system::Files& files) {
  Machine machine;
  auto gpus = system::gpus_on_pci(files);
  if (!gpus && gpus.error().why != Why::missing) return fail(gpus.error());
  if (gpus) machine.gpus = std::move(*gpus);
  auto vendor = dmi(files, "sys_vendor");
  if (!vendor) return fail(vendor.error());
  auto product = dmi(files, "product_name");
  if (!product) return fail(product.error());
  machine.vendor = std::move(*vendor);
  machine.product = std::move(*product);
  return machine;
}

std::string id_of(unsigned device) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "1002:%04x", device);
  return text.data();
}

std::string told(const Machine& machine) {
  std::map<unsigned, std::size_t> ids;
  for (const system::PciDevice& gpu : machine.gpus) ++ids[gpu.device];
  std::string text;
  for (const auto& [id, count] : ids)
    text += (text.empty() ? "" : ", ") + count_of(count, "GPU") + " of " + id_of(id);
  if (text.empty()) text = "no AMD GPU";
  if (!machine.vendor.empty()) text += "; vendor '" + machine.vendor + "'";
  if (!machine.product.empty()) text += ", product '" + machine.product + "'";
  return text;
}

bool fits(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), FNM_NOESCAPE) == 0;
}

// How many of the things that `match` says are true; nothing when one is not.
std::optional<unsigned> points(const Match& match, const Machine& machine) {
  unsigned count = 0;
  if (match.no_gpu) {
    if (!machine.gpus.empty()) return std::nullopt;
    ++count;
  }
  // A display of the processor beside the accelerators does not count.
  const auto is_asked = [&](const system::PciDevice& gpu) {
    return match.pci_devices.empty() || std::find(match.pci_devices.begin(), match.pci_devices.end(),
                                                  gpu.device) != match.pci_devices.end();
  };
  const auto asked =
      static_cast<std::size_t>(std::count_if(machine.gpus.begin(), machine.gpus.end(), is_asked));
  if (!match.pci_devices.empty()) {
    if (asked == 0) return std::nullopt;
    ++count;
  }
  if (match.count != 0) {
    if (asked != match.count) return std::nullopt;
    ++count;
  }
  if (!match.vendor.empty()) {
    if (!fits(match.vendor, machine.vendor)) return std::nullopt;
    ++count;
  }
  if (!match.product.empty()) {
    if (!fits(match.product, machine.product)) return std::nullopt;
    ++count;
  }
  return count;
}

}  // namespace

Choice choose(const std::vector<Found>& found, const system::Files& files) {
  const auto machine = look(files);
  if (!machine) {
    return {{},
            "'auto' cannot choose a profile: " + machine.error().said,
            "name the profile; `fettle profile list` shows them"};
  }
  const Found* best = nullptr;
  const Found* equal = nullptr;
  unsigned most = 0;
  for (const Found& each : found) {
    if (!each.match) continue;
    const auto reached = points(*each.match, *machine);
    if (!reached) continue;
    if (best != nullptr && *reached == most) equal = &each;
    if (best == nullptr || *reached > most) {
      best = &each;
      most = *reached;
      equal = nullptr;
    }
  }
  if (best == nullptr) {
    return {{},
            "'auto' finds no profile for this machine: " + told(*machine),
            "name one (no-gpu is for machines without GPUs), or write one with a 'for' that fits; `fettle "
            "profile "
            "list` shows them"};
  }
  if (equal != nullptr) {
    return {{},
            "'auto' cannot choose between '" + best->name + "' and '" + equal->name + "': both fit " +
                told(*machine),
            "name one, or let the 'for' of one say more"};
  }
  return {best->name, "chosen for this machine: " + told(*machine), {}};
}

}  // namespace fettle::profile
