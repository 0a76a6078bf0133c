#include "health/gpus.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "base/text.h"
#include "profile/gpu_models.h"

namespace fettle::health {
namespace {

using facts::Facts;
using facts::Gpu;
using profile::GpuModel;
using profile::Profile;

// Azure's start-up script polls for the GPUs for up to 15 minutes and then waits two more before it loads the
// driver.
constexpr std::chrono::minutes boot_grace{20};

bool is_wanted(const Gpu& gpu, const Profile& profile) {
  return profile::wanted_model(gpu.pci_device, profile) != nullptr;
}

std::string name_of(const Gpu& gpu, const Profile& profile) {
  if (const GpuModel* const model = profile::model_of(gpu.pci_device, profile)) return model->name;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "1002:%04x", gpu.pci_device);
  return text.data();
}

// "8 MI300X VF", "7 MI300X, 1 1002:1638"
std::string census(const std::vector<const Gpu*>& gpus, const Profile& profile) {
  std::map<std::string, std::size_t> counts;
  for (const Gpu* const gpu : gpus) ++counts[name_of(*gpu, profile)];
  std::string text;
  for (const auto& [name, count] : counts)
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + name;
  return text;
}

}  // namespace

std::optional<Finding> without_models(const Profile& profile) {
  if (!profile.gpus) return not_applicable("the profile asks for no GPUs");
  if (profile.gpu_models.empty()) {
    return Finding{Status::unknown, "the profile has no table of GPU models",
                   "it comes with the package; reinstall it"};
  }
  return std::nullopt;
}

std::optional<Finding> driver_may_still_come(const Facts& facts) {
  if (!facts.uptime) return unknown(facts.uptime.error());
  if (*facts.uptime >= boot_grace) return std::nullopt;
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(*facts.uptime).count();
  return Finding{Status::unknown,
                 "starting: the amdgpu module is not loaded yet, " +
                     count_of(static_cast<std::size_t>(minutes), "minute") + " after boot",
                 "some clouds load it up to 20 minutes after boot; then this becomes a failure"};
}

Finding gpu_count(const Facts& facts, const Profile& profile) {
  if (auto finding = without_models(profile)) return *finding;
  if (!facts.gpus_on_pci) return unknown(facts.gpus_on_pci.error());
  if (!facts.driver) return unknown(facts.driver.error());
  const std::size_t wanted = profile.gpus->count;
  const auto on_pci =
      static_cast<std::size_t>(std::count_if(facts.gpus_on_pci->begin(), facts.gpus_on_pci->end(),
                                             [&](const Gpu& gpu) { return is_wanted(gpu, profile); }));
  const std::string seen =
      std::to_string(on_pci) + " of " + count_of(wanted, profile.gpus->model + " GPU") + " on PCI";
  if (!facts.driver->loaded) {
    if (auto finding = driver_may_still_come(facts)) return *finding;
    return {Status::fail, seen + ", but no driver", "see driver.amdgpu"};
  }
  if (on_pci == 0 && !facts.gpus_on_pci->empty())
    return {Status::fail, seen + ", but other GPUs are",
            "see gpu.model: it may be the profile that is wrong"};
  if (on_pci < wanted) {
    return {Status::fail, seen,
            "the missing ones are not even on the bus: power-cycle the node, then ask the provider or look "
            "at the BMC"};
  }
  if (!facts.gpus_in_kfd) return unknown(facts.gpus_in_kfd.error());
  const std::size_t in_kfd = *facts.gpus_in_kfd;
  if (in_kfd < on_pci) {
    if (!facts.driver->live)
      return {Status::unknown,
              "starting: the driver has taken up " + std::to_string(in_kfd) + " of " +
                  std::to_string(on_pci) + " GPUs",
              "look again in a minute"};
    return {Status::fail, seen + ", but the driver has only " + std::to_string(in_kfd),
            "`dmesg | grep amdgpu` says why the driver refused the others"};
  }
  if (on_pci > wanted) {
    return {Status::warn,
            count_of(on_pci, profile.gpus->model + " GPU") + " on PCI, the profile expects " +
                std::to_string(wanted),
            "correct 'count' in the profile, or ask why the node has more"};
  }
  if (in_kfd > facts.gpus_on_pci->size()) {
    return {Status::warn,
            "the driver has " + count_of(in_kfd, "GPU") + ", PCI shows " +
                std::to_string(facts.gpus_on_pci->size()),
            "`dmesg | grep amdgpu`: a GPU fell off the bus, or was reset"};
  }
  return {Status::pass, seen + " and in the driver", {}};
}

Finding gpu_model(const Facts& facts, const Profile& profile) {
  if (auto finding = without_models(profile)) return *finding;
  if (!facts.gpus_on_pci) return unknown(facts.gpus_on_pci.error());
  std::vector<const Gpu*> wanted;
  std::vector<const Gpu*> others;
  for (const Gpu& gpu : *facts.gpus_on_pci) (is_wanted(gpu, profile) ? wanted : others).push_back(&gpu);
  if (!wanted.empty()) {
    const std::string more = others.empty() ? "" : ", and others: " + census(others, profile);
    return {Status::pass, census(wanted, profile) + more, {}};
  }
  if (others.empty()) {
    return {Status::fail, "no AMD GPU is on PCI, the profile expects " + profile.gpus->model,
            "`lspci -d 1002:` shows what the bus has; in a virtual machine, was a GPU size chosen?"};
  }
  return {Status::fail, census(others, profile) + ", but the profile expects " + profile.gpus->model,
          "choose the profile for this hardware, or add its PCI id to gpus.yaml"};
}

}  // namespace fettle::health
