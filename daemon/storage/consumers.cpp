#include "storage/consumers.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/text.h"

namespace fettle::storage {
namespace {

using profile::Consumer;

// `home` is where the service keeps its data when nobody says otherwise: a mount there is waited for too.
// Where there is none, systemd has nothing to wait for.
struct Row {
  Consumer consumer;
  std::string_view unit;
  std::string_view home;
};
constexpr std::array rows{
    Row{Consumer::docker, "docker.service", "/var/lib/docker"},
    Row{Consumer::containerd, "containerd.service", "/var/lib/containerd"},
    Row{Consumer::kubelet, "kubelet.service", "/var/lib/kubelet"},
    Row{Consumer::podman, "podman.service", "/var/lib/containers"},
    Row{Consumer::podman, "podman-restart.service", "/var/lib/containers"},
};

std::string path_of(const Row& row) {
  return std::string(unit_directory) + "/" + std::string(row.unit) + ".d/50-fettle-cache.conf";
}

// RequiresMountsFor= alone: a service that required a unit of ours could not start once the package is gone.
UnitFile drop_in(const Row& row, const profile::Cache& cache) {
  return {path_of(row),
          "[Unit]\nRequiresMountsFor=" + cache.path + " " + std::string(row.home) +
              "\n# The directories of the cache are made there.\nAfter=fettle-cache.service\n",
          std::string(row.unit) + " waits for the cache, from its next start on"};
}

std::string names_of(const std::vector<Consumer>& consumers) {
  std::string names;
  for (const Consumer consumer : consumers)
    names += (names.empty() ? "" : ", ") + std::string(profile::to_text(consumer));
  return names;
}

Finding judged(const profile::LoadedArrangement& loaded, const std::optional<profile::Cache>& cache,
               const FoundUnitFiles& found) {
  if (!loaded.arrangement) {
    return {Status::unknown, "the configuration has mistakes", "`fettle profile check` names them"};
  }
  const auto& wanted = loaded.arrangement->consumers;
  const UnitFilePlan plan = plan_consumers(wanted, cache, found);
  if (!plan.refused.empty()) return {Status::warn, plan.refused.front().said, plan.refused.front().hint};
  if (!plan.steps.empty()) {
    return {Status::warn, count_of(plan.steps.size(), "drop-in") + " for services on the cache to change",
            "`fettle plan` shows them, `fettle apply` changes them"};
  }
  if (wanted.empty()) return not_applicable("no service is asked to wait for the cache");
  return {Status::pass, names_of(wanted) + " start with the cache or not at all", {}};
}

}  // namespace

FoundUnitFiles look_for_drop_ins(const system::Files& files) {
  FoundUnitFiles found;
  for (const Row& row : rows) {
    auto text = files.read(path_of(row), 64_KiB);
    if (text || text.error().why != Why::missing) found.emplace(path_of(row), std::move(text));
  }
  return found;
}

UnitFilePlan plan_consumers(const std::vector<Consumer>& wanted, const std::optional<profile::Cache>& cache,
                            const FoundUnitFiles& found) {
  std::vector<UnitFile> drop_ins;
  for (const Row& row : rows) {
    const bool is_wanted = std::find(wanted.begin(), wanted.end(), row.consumer) != wanted.end();
    if (is_wanted && cache) drop_ins.push_back(drop_in(row, *cache));
  }
  UnitFilePlan plan = plan_unit_files(drop_ins, found);
  if (!wanted.empty() && !cache) {
    plan.refused.push_back({Why::refused,
                            "cannot make " + names_of(wanted) + " wait for the cache: none is wanted",
                            "take `consumers` out of the configuration, or give it a `cache`"});
  }
  return plan;
}

NamedFinding consumers_finding(const profile::LoadedArrangement& loaded,
                               const std::optional<profile::Cache>& cache, const FoundUnitFiles& found,
                               std::chrono::system_clock::time_point now) {
  return {"cache.consumers", "services that keep their data on the cache wait for it",
          judged(loaded, cache, found), now};
}

}  // namespace fettle::storage
