#include "health/expectations.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/text.h"
#include "base/yaml_text.h"
#include "health/checks.h"
#include "health/gpus.h"

namespace fettle::health {
namespace {

using facts::Facts;
using profile::Profile;

// These fail on a node that is not good, whatever was expected of it.
constexpr std::array signs{"driver.amdgpu", "gpu.cards", "ras.errors", "ras.pages",
                           "ras.bus",       "log.gpu",   "log.ras",    "log.bus"};

// Below what was seen by so much: the next kernel keeps a little more for itself.
Bytes with_room(Bytes seen) {
  return {seen.count / 100 * 99};
}

std::string size_text(Bytes size) {
  constexpr unsigned gib = 30;
  return size >= 1_GiB ? std::to_string(size.count >> gib) + " GiB" : std::to_string(size.count) + " B";
}

class Writing {
 public:
  Writing(const Facts& facts, const Profile& profile, const std::vector<facts::Drive>& drives)
      : facts_(facts), profile_(profile), drives_(drives) {}

  Expectations write(std::string_view name) {
    refuse_a_bad_node();
    const std::string gpus = gpus_section();
    const std::string host = host_section();
    const std::string cache = cache_section();
    Expectations made;
    made.refusals = std::move(refusals_);
    if (!made.refusals.empty()) return made;
    made.yaml = heading(name) + gpus + host + cache;
    return made;
  }

 private:
  template <class T>
  bool has(const facts::Fact<T>& fact) {
    if (fact) return true;
    refusals_.push_back(fact.error());
    return false;
  }

  void refuse(std::string said, std::string hint = {}) {
    refusals_.push_back({Why::refused, std::move(said), std::move(hint)});
  }

  void refuse_a_bad_node() {
    for (const NamedFinding& named : run(facts_, profile_, {})) {
      if (named.finding.status != Status::fail) continue;
      if (std::find(signs.begin(), signs.end(), named.id) == signs.end()) continue;
      refuse("cannot take this node as a good one: " + named.id + ": " + named.finding.says,
             named.finding.hint);
    }
  }

  std::string heading(std::string_view name) const {
    std::string text =
        "# What one good node was, written by `fettle profile capture`; what it does not say comes from the\n"
        "# profile that it extends. Seen on it: ";
    if (facts_.os) text += facts_.os->pretty;
    if (facts_.kernel) text += ", kernel " + facts_.kernel->release;
    if (facts_.driver_package && !facts_.driver_package->release.empty())
      text += ", driver " + facts_.driver_package->release;
    if (facts_.rocm) {
      for (const facts::Rocm& rocm : *facts_.rocm) text += ", ROCm " + rocm.version;
    }
    text += ".\nschema: 1\nkind: profile\nname: " + yaml_text(name) +
            "\nwhy: " + yaml_text("as the node was that it was taken from, on top of " + profile_.name) +
            "\nextends: " + yaml_text(profile_.name) + "\n";
    return text;
  }

  std::string gpus_section() {
    if (!has(facts_.gpus_on_pci)) return {};
    std::set<std::string> families;
    unsigned count = 0;
    for (const facts::Gpu& gpu : *facts_.gpus_on_pci) {
      const auto model =
          std::find_if(profile_.gpu_models.begin(), profile_.gpu_models.end(),
                       [&](const profile::GpuModel& one) { return one.pci_device == gpu.pci_device; });
      if (model == profile_.gpu_models.end()) continue;
      families.insert(model->family);
      ++count;
    }
    if (count == 0) return {};
    if (families.size() > 1) {
      refuse("cannot take this node as a good one: its GPUs are of " + count_of(families.size(), "model"));
      return {};
    }
    std::string text =
        "gpus:\n  model: " + yaml_text(*families.begin()) + "\n  count: " + std::to_string(count) + "\n";
    if (!has(facts_.gpus_in_kfd) || !has(facts_.cards)) return {};
    if (*facts_.gpus_in_kfd != count)
      refuse("cannot take this node as a good one: " + std::to_string(count) + " GPUs are on PCI, " +
                 std::to_string(*facts_.gpus_in_kfd) + " in the driver",
             "`fettle check gpu` says more");
    text += partition("compute_partition", &facts::Card::compute_partition);
    text += partition("memory_partition", &facts::Card::memory_partition);
    std::optional<Bytes> least;
    for (const facts::Card& card : *facts_.cards) {
      if (!is_wanted(card) || !has(card.vram)) continue;
      least = std::min(least.value_or(*card.vram), *card.vram);
    }
    if (least) text += "  memory: " + size_text(with_room(*least)) + "\n";
    return text;
  }

  // Displays of the same vendor are cards too.
  bool is_wanted(const facts::Card& card) const {
    return std::any_of(facts_.gpus_on_pci->begin(), facts_.gpus_on_pci->end(), [&](const facts::Gpu& gpu) {
      return gpu.pci_address == card.pci_address &&
             std::any_of(profile_.gpu_models.begin(), profile_.gpu_models.end(),
                         [&](const profile::GpuModel& one) { return one.pci_device == gpu.pci_device; });
    });
  }

  // The mode that all have. A driver that does not have the file tells nothing to expect.
  std::string partition(std::string_view key, facts::Fact<std::string> facts::Card::*mode) {
    std::set<std::string> modes;
    for (const facts::Card& card : *facts_.cards) {
      const auto& seen = card.*mode;
      if (!is_wanted(card) || (!seen && seen.error().why == Why::missing)) continue;
      if (has(seen)) modes.insert(*seen);
    }
    if (modes.size() > 1)
      refuse("cannot take this node as a good one: its GPUs differ in " + std::string(key));
    return modes.size() == 1 ? "  " + std::string(key) + ": " + yaml_text(*modes.begin()) + "\n"
                             : std::string();
  }

  std::string host_section() {
    std::string text = "host:\n";
    if (has(facts_.cpus)) {
      text += "  sockets: " + std::to_string(facts_.cpus->sockets) +
              "\n  cores: " + std::to_string(facts_.cpus->cores) +
              "\n  threads: " + std::to_string(facts_.cpus->threads) + "\n";
    }
    if (has(facts_.memory)) text += "  memory: " + size_text(with_room(*facts_.memory)) + "\n";
    if (has(facts_.swaps)) text += facts_.swaps->empty() ? "  swap: none\n" : "  swap: any\n";
    if (has(facts_.time_sync))
      text +=
          *facts_.time_sync == system::TimeSync::synchronised ? "  clock: synchronised\n" : "  clock: any\n";
    if (has(facts_.infiniband)) text += infiniband();
    return text;
  }

  // Ports of the fastest rate: a slower one is of another network.
  std::string infiniband() const {
    unsigned rate = 0;
    for (const facts::InfinibandPort& port : *facts_.infiniband) {
      if (port.is_active) rate = std::max(rate, port.rate_gbit);
    }
    const auto count = std::count_if(
        facts_.infiniband->begin(), facts_.infiniband->end(),
        [&](const facts::InfinibandPort& port) { return port.is_active && port.rate_gbit == rate; });
    if (rate == 0) return {};
    return "  infiniband: {ports: " + std::to_string(count) + ", rate_gbit: " + std::to_string(rate) + "}\n";
  }

  static std::string list_of(const std::vector<std::string>& texts) {
    std::string list;
    for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + yaml_text(text);
    return "[" + list + "]";
  }

  std::string cache_section() {
    if (!profile_.cache || !profile_.cache->drives || !has(facts_.drives) || drives_.empty()) return {};
    const profile::Cache& cache = *profile_.cache;
    const profile::DriveLimits& limits = cache.limits;
    const profile::DriveSet& old = *cache.drives;
    std::set<std::string> models;
    for (const facts::Drive& drive : drives_) models.insert(drive.model);
    std::string text = "cache:\n  path: " + yaml_text(cache.path) +
                       "\n  wait_seconds: " + std::to_string(cache.wait_seconds) +
                       "\n  reserve: " + std::to_string(cache.reserve.count) + " B\n";
    text += "  drive_limits: {used_percent: " + std::to_string(limits.used_percent) +
            ", temperature_celsius: " + std::to_string(limits.temperature_celsius) +
            ", media_errors: " + std::to_string(limits.media_errors) +
            ", slow_factor: " + std::to_string(limits.slow_factor) + "}\n";
    text += "  drives:\n    count: " + std::to_string(drives_.size()) +
            "\n    models: " + list_of({models.begin(), models.end()}) +
            "\n    exclude_models: " + list_of(old.exclude_models) + "\n";
    text += "    on_all_blank: " + std::string(to_text(old.on_all_blank)) +
            "\n    on_partial_loss: " + std::string(to_text(old.on_partial_loss)) +
            "\n    on_os_reimaged: " + std::string(to_text(old.on_os_reimaged)) + "\n";
    return text;
  }

  const Facts& facts_;
  const Profile& profile_;
  const std::vector<facts::Drive>& drives_;
  std::vector<Error> refusals_;
};

}  // namespace

Expectations expectations(const Facts& facts, const Profile& profile, const std::vector<facts::Drive>& drives,
                          std::string_view name) {
  return Writing(facts, profile, drives).write(name);
}

}  // namespace fettle::health
