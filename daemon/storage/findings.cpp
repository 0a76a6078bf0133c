// What the report of provisioning means beside what the machine looks like now.
#include <algorithm>

#include "base/names.h"
#include "base/text.h"
#include "base/unit_name.h"
#include "storage/look.h"
#include "storage/report.h"

namespace fettle::storage {
namespace {

using Reported = Result<Report>;

Finding of_phase(const PhaseReport& phase, std::string_view name) {
  std::string says = phase.says;
  for (const std::string& warning : phase.warnings) says += "; " + warning;
  if (phase.status == Status::unknown) {
    return {Status::unknown, std::string(name) + ": " + says,
            "`systemctl status 'fettle-*'` tells which unit waits"};
  }
  return {phase.status, says, phase.hint};
}

Finding provisioned(const Reported& report) {
  if (!report) return unknown(report.error());
  if (report->boot.status == Status::fail) return of_phase(report->boot, "the drives");
  // In directory mode there is nothing to do before the mount.
  const bool has_drives = !report->device.empty();
  const Finding boot = of_phase(report->boot, "the drives");
  const Finding cache = of_phase(report->cache, "the directories of the cache");
  if (cache.status == Status::fail || cache.status == Status::unknown) return cache;
  if (has_drives && boot.status != Status::pass) return boot;
  return cache;
}

Finding mounted(const Reported& report, const facts::Facts& facts, const profile::Cache& cache) {
  if (!cache.drives) return not_applicable("'" + cache.path + "' is a directory of others");
  if (!facts.mounts) return unknown(facts.mounts.error());
  const facts::Mount* mount = nullptr;
  for (const facts::Mount& candidate : *facts.mounts) {
    if (candidate.where == cache.path) mount = &candidate;
  }
  const std::string hint = "`systemctl status " + mount_unit_of(cache.path) + "` tells why";
  // Nobody has provisioned yet in this boot: that nothing is mounted says nothing so far.
  if (!report) return unknown(report.error());
  if (mount == nullptr) return {Status::fail, "nothing is mounted on '" + cache.path + "'", hint};
  if (mount->what != report->device) {
    return {Status::fail, "'" + mount->what + "' is mounted on '" + cache.path + "', not the cache", hint};
  }
  const auto options = split(mount->options, ',');
  if (std::find(options.begin(), options.end(), "ro") != options.end()) {
    return {Status::fail, "the cache is mounted read-only",
            "XFS goes read-only or shuts down after I/O errors: see `dmesg`, then reboot"};
  }
  return {Status::pass, report->device + " on '" + cache.path + "'", {}};
}

Finding array(const Reported& report, const facts::Facts& facts, const profile::Cache& cache) {
  if (!cache.drives) return not_applicable("the cache is a directory of others");
  if (!report) return unknown(report.error());
  if (report->boot.status == Status::fail) return {Status::fail, report->boot.says, report->boot.hint};
  if (!facts.drives) return unknown(facts.drives.error());
  if (!facts.arrays) return unknown(facts.arrays.error());
  std::vector<std::string> names;
  for (const ReportedDrive& drive : report->drives) {
    if (drive.role != to_text(Role::ours)) continue;
    const auto now = std::find_if(facts.drives->begin(), facts.drives->end(),
                                  [&](const facts::Drive& other) { return other.serial == drive.serial; });
    if (now == facts.drives->end()) {
      return {Status::fail, "the drive " + drive.model + " " + drive.serial + " of the cache is gone",
              "look for it with `nvme list` and `dmesg`; without it the cache is lost"};
    }
    names.push_back(now->name);
  }
  if (names.empty()) return {Status::unknown, "the report names no drives of the cache", {}};
  if (names.size() == 1) return {Status::pass, "one drive, no array", {}};
  for (const facts::Array& candidate : *facts.arrays) {
    if ("/dev/" + candidate.name != report->device) continue;
    for (const std::string& name : names) {
      if (std::find(candidate.members.begin(), candidate.members.end(), name) != candidate.members.end())
        continue;
      return {Status::fail, name + " is no member of " + candidate.name + " any more",
              "`mdadm --detail " + report->device + "` tells more"};
    }
    if (!is_running(candidate)) {
      return {
          Status::fail, candidate.name + " is " + candidate.state,
          "a drive was lost while it was in use: see `dmesg`. What the cache held has to be fetched again"};
    }
    return {
        Status::pass, candidate.name + " is " + candidate.state + ", " + count_of(names.size(), "drive"), {}};
  }
  return {Status::fail, "the array " + report->device + " is gone",
          "udev stops an array that lost a drive: `fettle storage show` names it"};
}

Finding rivals(const Reported& report, const profile::Cache& cache) {
  if (!cache.drives) return not_applicable("the cache is a directory of others");
  if (!report) return unknown(report.error());
  if (!report->rivals)
    return {Status::unknown, "provisioning has not looked for what else uses the drives",
            "`fettle storage show` looks now"};
  const Rivals& rivals = *report->rivals;
  if (!rivals.found.empty()) {
    const std::size_t others = rivals.found.size() - 1;
    return {Status::warn,
            to_text(rivals.found.front()) + (others == 0 ? "" : "; and " + count_of(others, "other")),
            rivals.found.front().advice + (others == 0 ? "" : ". `fettle storage show` names them all")};
  }
  if (!rivals.blind.empty()) {
    return {Status::unknown, rivals.blind.front().said,
            "what it says of the drives is not known; `fettle storage show` looks again"};
  }
  return {Status::pass, "nothing else here formats, assembles or mounts the drives of the cache", {}};
}

}  // namespace

Findings findings(const Reported& report, const facts::Facts& facts, const profile::Profile& profile,
                  std::chrono::system_clock::time_point now) {
  const auto judge_with = [&](auto&& function) {
    return profile.cache ? function(*profile.cache) : not_applicable("the profile wants no cache");
  };
  return {
      {"cache.provisioned", "cache provisioned at this boot",
       judge_with([&](const profile::Cache&) { return provisioned(report); }), now},
      {"cache.mounted", "cache mounted",
       judge_with([&](const profile::Cache& cache) { return mounted(report, facts, cache); }), now},
      {"cache.array", "array of the cache whole",
       judge_with([&](const profile::Cache& cache) { return array(report, facts, cache); }), now},
      {"cache.rivals", "nobody else uses the drives of the cache",
       judge_with([&](const profile::Cache& cache) { return rivals(report, cache); }), now},
  };
}

namespace {

// "most lies in hf (2.1 TiB), docker (310.0 GiB) and uv (12.3 GiB)": where to look for something that can go.
std::string fullest(const facts::Facts& facts) {
  if (!facts.cache_usage) return "`fettle storage caches` tells what fills it, once it was measured";
  std::vector<const facts::DirectoryUsage*> measured;
  for (const facts::DirectoryUsage& directory : facts.cache_usage->directories) {
    if (directory.now && directory.now->used.count > 0) measured.push_back(&directory);
  }
  std::sort(measured.begin(), measured.end(),
            [](const auto* a, const auto* b) { return a->now->used > b->now->used; });
  if (measured.size() > 3) measured.resize(3);
  std::string text;
  for (const facts::DirectoryUsage* const directory : measured) {
    text += (text.empty() ? "most lies in " : ", ") + directory->name + " (" + to_text(directory->now->used) +
            ")";
  }
  return text.empty() ? "nothing lies in its directories" : text;
}

}  // namespace

NamedFinding space_finding(const Result<system::Space>& space, const facts::Facts& facts,
                           const profile::Profile& profile, std::chrono::system_clock::time_point now) {
  NamedFinding named{"cache.space", "free space on the cache", not_applicable("the profile wants no cache"),
                     now};
  if (!profile.cache) return named;
  if (!space) {
    named.finding = unknown(space.error());
  } else if (const Bytes reserve = facts::reserve_of(profile, facts.cache_usage);
             space->available < reserve) {
    named.finding = {
        Status::warn, to_text(space->available) + " are free, less than the reserve of " + to_text(reserve),
        "staging stops here; " + fullest(facts) +
            ". Take models off the shelves, empty what can be built again (uv, triton, torch, docker), or "
            "lower `reserve` in the profile"};
  } else {
    named.finding = {
        Status::pass, to_text(space->available) + " of " + to_text(space->total) + " are free", {}};
  }
  return named;
}

}  // namespace fettle::storage
