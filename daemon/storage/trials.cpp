#include "storage/trials.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/text.h"
#include "base/unit_name.h"

namespace fettle::storage {
namespace {

using facts::CacheTrial;
using facts::DriveTrial;
using std::chrono::seconds;

std::string name_of(const DriveTrial& drive) {
  return drive.model + " " + drive.serial + " (" + drive.name + ")";
}

std::string since_text(seconds hangs_since, const facts::Facts& facts) {
  const seconds time = facts.uptime ? std::max(seconds(0), *facts.uptime - hangs_since) : seconds(0);
  return time < seconds(120) ? std::to_string(time.count()) + " s"
                             : std::to_string(time.count() / 60) + " min";
}

bool hangs_for_long(seconds hangs_since, const facts::Facts& facts) {
  return facts.uptime && *facts.uptime - hangs_since >= hang_limit;
}

std::string time_text(std::chrono::microseconds time) {
  if (time < std::chrono::milliseconds(10)) return std::to_string(time.count()) + " us";
  return std::to_string(time.count() / 1000) + " ms";
}

// --- the cache ---

Finding writes(const facts::Facts& facts, const profile::Cache& cache) {
  if (!facts.cache_trial) {
    const bool was_never = facts.cache_trial.error().why == Why::missing;
    if (!cache.drives && was_never) {
      return not_applicable("'" + cache.path + "' is a directory of others, and nobody collects here");
    }
    return unknown(facts.cache_trial.error());
  }
  const CacheTrial& trial = *facts.cache_trial;
  if (trial.path != cache.path) {
    return {Status::unknown, "the last trial was of '" + trial.path + "', not of '" + cache.path + "'",
            "`fettle collect --now` looks now"};
  }
  if (trial.hangs_since) {
    const std::string says =
        "a write to the cache has been hanging for " + since_text(*trial.hangs_since, facts);
    const Status status = hangs_for_long(*trial.hangs_since, facts) ? Status::fail : Status::unknown;
    return {status, says,
            "a drive does not answer: `dmesg` names it; `fettle storage show` names the drives"};
  }
  if (!trial.done) {
    // Nothing was mounted, or the child could not be started: nobody has tried.
    const Why why = trial.done.error().why;
    const bool was_tried = why == Why::failed || why == Why::malformed;
    return {was_tried ? Status::fail : Status::unknown, trial.done.error().said, trial.done.error().hint};
  }
  if (trial.reached != 0 && trial.reached < trial.members) {
    return {
        Status::warn,
        "the trial reached only " + std::to_string(trial.reached) + " of " + count_of(trial.members, "drive"),
        "the file system has no room in one piece: remove '.fettle-trial' from the cache, so that it is made "
        "anew"};
  }
  std::string says = to_text(trial.done->size) + " written in " + time_text(trial.done->write) +
                     " and read back in " + time_text(trial.done->read);
  if (trial.reached > 1) says += ", across " + count_of(trial.reached, "drive");
  if (!trial.done->direct) says += ", from memory: this file system reads nothing directly";
  return {Status::pass, says, {}};
}

// Those of our mount unit.
constexpr std::array<std::string_view, 3> wanted_options{"noatime", "nosuid", "nodev"};

Finding options(const facts::Facts& facts, const profile::Cache& cache) {
  if (!cache.drives) return not_applicable("the cache is a directory of others");
  if (!facts.mounts) return unknown(facts.mounts.error());
  const facts::Mount* mount = nullptr;
  for (const facts::Mount& candidate : *facts.mounts) {
    if (candidate.where == cache.path) mount = &candidate;
  }
  if (mount == nullptr) return not_applicable("nothing is mounted on '" + cache.path + "'");
  const auto there = split(mount->options, ',');
  std::string lacking;
  for (const std::string_view option : wanted_options) {
    if (std::find(there.begin(), there.end(), option) != there.end()) continue;
    lacking += (lacking.empty() ? "" : ", ") + std::string(option);
  }
  if (lacking.empty()) return {Status::pass, "mounted with " + mount->options, {}};
  const std::string unit = mount_unit_of(cache.path);
  return {Status::warn, "the cache is mounted without " + lacking,
          "somebody mounted it by hand, or a drop-in changed " + unit + ": `systemctl cat " + unit + "`"};
}

Finding generation(const facts::Facts& facts, const Result<Report>& report, const profile::Cache& cache) {
  if (!cache.drives) return not_applicable("the cache is a directory of others");
  if (!report) return unknown(report.error());
  if (!facts.cache_trial) return unknown(facts.cache_trial.error());
  if (!facts.cache_trial->done) return unknown(facts.cache_trial->done.error());
  const std::string& now = facts.cache_trial->generation;
  if (report->generation.empty())
    return {Status::unknown, "provisioning has not reported a generation yet", {}};
  if (now == report->generation) return {Status::pass, "generation " + now, {}};
  return {Status::fail,
          now.empty() ? "the cache has no generation marker any more"
                      : "the marker of the cache says generation " + now + ", provisioning said " +
                            report->generation,
          "somebody mounted another file system on it, or removed the marker: `systemctl restart "
          "fettle-cache.service` looks again"};
}

// --- the drives ---

// The drives that a check has something to say about; the worst of them is what it says.
struct Remark {
  Status status = Status::pass;
  std::string says;
};

struct Row {
  std::string_view id, title, hint;
  std::optional<Remark> (*look)(const system::Smart&, const profile::DriveLimits&);
};

template <system::SmartBit bit>
bool has(const system::Smart& smart) {
  return (smart.critical_warning & static_cast<unsigned>(bit)) != 0;
}

std::string percent(unsigned number) {
  return std::to_string(number) + " %";
}

// One row a bit of the drives' critical warning, and two for what has no bit.
constexpr std::array rows{
    Row{"drive.spare", "spare blocks of the drives", "have the drive replaced while it still works",
        [](const system::Smart& smart, const profile::DriveLimits&) -> std::optional<Remark> {
          if (!has<system::SmartBit::spare>(smart) && smart.spare_percent >= smart.spare_threshold_percent)
            return std::nullopt;
          return Remark{Status::warn, percent(smart.spare_percent) +
                                          " of its spare blocks are left, its threshold is " +
                                          percent(smart.spare_threshold_percent)};
        }},
    Row{"drive.temperature", "temperature of the drives",
        "look at the airflow: a hot drive slows itself down",
        [](const system::Smart& smart, const profile::DriveLimits& limits) -> std::optional<Remark> {
          const bool warns = has<system::SmartBit::temperature>(smart);
          const std::string at = "it has " + std::to_string(smart.temperature_celsius) + " degrees Celsius";
          if (warns) return Remark{Status::warn, at + ", outside what it allows"};
          if (smart.temperature_celsius < static_cast<int>(limits.temperature_celsius)) return std::nullopt;
          return Remark{Status::warn,
                        at + ", the profile's limit is " + std::to_string(limits.temperature_celsius)};
        }},
    Row{"drive.reliability", "reliability of the drives",
        "what it holds is in danger: have the drive replaced",
        [](const system::Smart& smart, const profile::DriveLimits&) -> std::optional<Remark> {
          if (!has<system::SmartBit::reliability>(smart)) return std::nullopt;
          return Remark{Status::fail, "it says that errors made it unreliable"};
        }},
    Row{"drive.read_only", "drives take writes", "it takes no more writes: have the drive replaced",
        [](const system::Smart& smart, const profile::DriveLimits&) -> std::optional<Remark> {
          if (!has<system::SmartBit::read_only>(smart)) return std::nullopt;
          return Remark{Status::fail, "it has made itself read-only"};
        }},
    Row{"drive.backup", "memory backup of the drives",
        "a power cut may lose what was written last: have the drive replaced",
        [](const system::Smart& smart, const profile::DriveLimits&) -> std::optional<Remark> {
          if (!has<system::SmartBit::backup>(smart)) return std::nullopt;
          return Remark{Status::warn, "the backup of its volatile memory has failed"};
        }},
    Row{"drive.persistent_memory", "persistent memory of the drives",
        "fettle does not use that memory; others may",
        [](const system::Smart& smart, const profile::DriveLimits&) -> std::optional<Remark> {
          if (!has<system::SmartBit::persistent>(smart)) return std::nullopt;
          return Remark{Status::warn, "its persistent memory region is read-only or unreliable"};
        }},
    Row{"drive.wear", "wear of the drives",
        "plan its replacement; `drive_limits` in the profile sets the limit",
        [](const system::Smart& smart, const profile::DriveLimits& limits) -> std::optional<Remark> {
          if (smart.used_percent < limits.used_percent) return std::nullopt;
          return Remark{Status::warn, percent(smart.used_percent) +
                                          " of its endurance are used, the profile's limit is " +
                                          percent(limits.used_percent)};
        }},
    Row{"drive.media", "media errors of the drives",
        "data was lost there: `fettle shelf verify` finds which; `drive_limits` in the profile sets the "
        "limit",
        [](const system::Smart& smart, const profile::DriveLimits& limits) -> std::optional<Remark> {
          if (smart.media_errors <= limits.media_errors) return std::nullopt;
          return Remark{Status::warn, std::to_string(smart.media_errors) +
                                          " times it could not give back what was written"};
        }},
};

constexpr bool ids_are_unique() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = i + 1; j < rows.size(); ++j) {
      if (rows[i].id == rows[j].id) return false;
    }
  }
  return true;
}
static_assert(ids_are_unique());

// Adds one drive's remark to those before it: the worst stays in front, the others are counted.
class Summary {
 public:
  void add(const DriveTrial& drive, const Remark& remark) {
    ++count_;
    if (count_ > 1 && remark.status <= finding_.status) return;
    finding_.status = remark.status;
    finding_.says = name_of(drive) + ": " + remark.says;
  }
  std::size_t count() const { return count_; }
  Finding take(std::string hint) {
    if (count_ > 1) finding_.says += " (and " + count_of(count_ - 1, "other drive") + ")";
    finding_.hint = std::move(hint);
    return std::move(finding_);
  }

 private:
  Finding finding_;
  std::size_t count_ = 0;
};

bool does_not_offer(const DriveTrial& drive) {
  return !drive.smart && drive.smart.error().why == Why::missing;
}

Finding by_row(const Row& row, const std::vector<DriveTrial>& drives, const profile::DriveLimits& limits) {
  Summary bad;
  Summary unread;
  std::size_t silent = 0;
  for (const DriveTrial& drive : drives) {
    if (does_not_offer(drive)) {
      ++silent;
    } else if (!drive.smart) {
      unread.add(drive, {Status::unknown, drive.smart.error().said});
    } else if (const auto remark = row.look(*drive.smart, limits)) {
      bad.add(drive, *remark);
    }
  }
  if (bad.count() > 0) return bad.take(std::string(row.hint));
  if (unread.count() > 0) return unread.take("`fettle collect --now` looks again");
  if (silent == drives.size()) return not_applicable("these drives offer no health log");
  return {Status::pass, count_of(drives.size() - silent, "drive") + " looked at", {}};
}

// Drives that did not answer in time; what is on them is another question.
Finding answers(const std::vector<DriveTrial>& drives, const facts::Facts& facts) {
  Summary hung;
  for (const DriveTrial& drive : drives) {
    if (!drive.hangs_since) continue;
    hung.add(drive, {hangs_for_long(*drive.hangs_since, facts) ? Status::fail : Status::unknown,
                     "it has not answered for " + since_text(*drive.hangs_since, facts)});
  }
  if (hung.count() == 0) return {Status::pass, count_of(drives.size(), "drive") + " answered", {}};
  return hung.take("`dmesg` tells whether the kernel reset its controller; without it the cache is lost");
}

std::chrono::microseconds median_of(std::vector<std::chrono::microseconds> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// RAID-0 is as fast as its slowest member.
Finding speed(const std::vector<DriveTrial>& drives, const profile::DriveLimits& limits) {
  // Below this nobody waits for a drive, whatever its siblings do.
  constexpr std::chrono::microseconds too_quick_to_mind{1000};
  std::vector<std::chrono::microseconds> times;
  Summary unread;
  for (const DriveTrial& drive : drives) {
    if (drive.reads) {
      times.push_back(drive.reads->median);
    } else {
      unread.add(drive, {Status::unknown, drive.reads.error().said});
    }
  }
  if (times.empty()) return unread.take("`fettle collect --now` looks again");
  const auto usual = median_of(times);
  Summary slow;
  for (const DriveTrial& drive : drives) {
    if (!drive.reads || drive.reads->median < too_quick_to_mind) continue;
    std::string says = "a read takes " + time_text(drive.reads->median);
    if (times.size() > 2 && drive.reads->median >= usual * limits.slow_factor) {
      slow.add(drive, {Status::warn, says + ", with its siblings " + time_text(usual)});
    } else if (drive.first && drive.reads->median >= drive.first->median * limits.slow_factor) {
      slow.add(drive,
               {Status::warn, says + ", " + time_text(drive.first->median) + " when the cache was new"});
    }
  }
  if (slow.count() > 0) {
    return slow.take(
        "one slow drive slows the whole cache: `fettle collect --now` measures again; have it "
        "replaced when it stays so");
  }
  if (unread.count() > 0) return unread.take("`fettle collect --now` looks again");
  return {Status::pass, "a read takes " + time_text(usual), {}};
}

Finding with_drives(const facts::Facts& facts, const profile::Cache& cache,
                    const std::function<Finding(const std::vector<DriveTrial>&)>& judge) {
  if (!cache.drives) return not_applicable("the profile wants no drives");
  if (!facts.drive_trials) return unknown(facts.drive_trials.error());
  if (facts.drive_trials->drives.empty()) return {Status::unknown, "no drive was looked at", {}};
  return judge(facts.drive_trials->drives);
}

}  // namespace

Findings trial_findings(const facts::Facts& facts, const Result<Report>& report,
                        const profile::Profile& profile, std::chrono::system_clock::time_point now) {
  Findings findings;
  const auto add = [&](std::string_view id, std::string_view title, const auto& judge) {
    findings.push_back({std::string(id), std::string(title),
                        profile.cache ? judge(*profile.cache) : not_applicable("the profile wants no cache"),
                        now});
  };
  add("cache.writes", "cache takes data and gives it back",
      [&](const profile::Cache& cache) { return writes(facts, cache); });
  add("cache.options", "mount options of the cache",
      [&](const profile::Cache& cache) { return options(facts, cache); });
  add("cache.generation", "generation of the cache",
      [&](const profile::Cache& cache) { return generation(facts, report, cache); });
  add("drive.answers", "drives answer", [&](const profile::Cache& cache) {
    return with_drives(facts, cache, [&](const auto& drives) { return answers(drives, facts); });
  });
  for (const Row& row : rows) {
    add(row.id, row.title, [&](const profile::Cache& cache) {
      return with_drives(facts, cache, [&](const auto& drives) { return by_row(row, drives, cache.limits); });
    });
  }
  add("drive.speed", "no drive slower than its siblings", [&](const profile::Cache& cache) {
    return with_drives(facts, cache, [&](const auto& drives) { return speed(drives, cache.limits); });
  });
  for (NamedFinding& named : findings) {
    const bool is_of_drives = named.id.starts_with("drive.");
    if (is_of_drives && facts.drive_trials) named.checked_at = facts.drive_trials->stamp.at;
    if (named.id == "cache.writes" && facts.cache_trial) named.checked_at = facts.cache_trial->stamp.at;
  }
  return findings;
}

}  // namespace fettle::storage
