#include "health/kernel_log.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"

namespace fettle::health {
namespace {

using facts::Facts;
using facts::KernelLog;
using profile::LogRule;
using profile::LogSubject;
using profile::LogWeight;
using profile::Profile;

constexpr std::string_view look_again =
    "`systemctl status fettle-collect.service` tells why; `fettle collect --now` looks now";

// What one rule found on one device or on several.
struct Told {
  const LogRule* rule = nullptr;
  std::vector<std::string> devices;  // without those that have no name
  std::uint64_t count = 0;
};

bool still_counts(const facts::LogMatch& match, const LogRule& rule, const Facts& facts) {
  if (rule.hours == 0 || !facts.uptime) return true;
  return *facts.uptime - match.last_uptime <= std::chrono::hours(rule.hours);
}

// The worst first; of equals in the order of the rules.
std::vector<Told> told_by(const KernelLog& log, const std::vector<const LogRule*>& rules,
                          const Facts& facts) {
  std::vector<Told> all;
  for (const LogRule* const rule : rules) {
    Told told;
    told.rule = rule;
    for (const facts::LogMatch& match : log.matches) {
      if (match.rule != rule->name || !still_counts(match, *rule, facts)) continue;
      told.count += match.count;
      if (!match.device.empty()) told.devices.push_back(match.device);
    }
    if (told.count > 0) all.push_back(std::move(told));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Told& a, const Told& b) { return a.rule->severity > b.rule->severity; });
  return all;
}

std::string text_of(const Told& told) {
  std::string where;
  if (told.devices.size() == 1) where = told.devices.front() + ": ";
  if (told.devices.size() > 1) where = "on " + count_of(told.devices.size(), "device") + ": ";
  return where + told.rule->means + (told.count > 1 ? " (" + std::to_string(told.count) + " lines)" : "");
}

std::string text_of(const std::vector<Told>& all) {
  constexpr std::size_t most_told = 3;
  std::string text;
  for (std::size_t at = 0; at < std::min(most_told, all.size()); ++at)
    text += (at == 0 ? "" : "; ") + text_of(all[at]);
  if (all.size() > most_told) text += "; and " + std::to_string(all.size() - most_told) + " more";
  return text;
}

Status status_of(LogWeight weight) {
  switch (weight) {
    case LogWeight::note:
      return Status::pass;
    case LogWeight::warning:
      return Status::warn;
    case LogWeight::error:
      return Status::fail;
  }
  return Status::fail;
}

// Why nobody can say that there was nothing; nothing when all of this boot was read.
std::optional<Finding> unread(const KernelLog& log, const Facts& facts, const Profile& profile) {
  if (log.error) return unknown(*log.error);
  if (facts.identity && facts.identity->boot_id != log.boot_id)
    return Finding{Status::unknown, "the last look at the kernel log was of another boot",
                   std::string(look_again)};
  if (log.rules != facts::digest_of(profile.log_rules))
    return Finding{Status::unknown, "the kernel log was not looked at with these rules yet",
                   std::string(look_again)};
  if (log.is_behind)
    return Finding{Status::unknown, "the kernel writes more into its log than one look takes",
                   "`journalctl -k -f` shows what floods it"};
  const bool is_long_ago =
      log.lost_uptime && facts.uptime && *facts.uptime - *log.lost_uptime > gap_counts_for;
  if (!log.lost_uptime || is_long_ago) return std::nullopt;
  return Finding{
      Status::unknown,
      count_of(log.lost, "record") + " of the kernel log dropped before anybody could read it",
      "`journalctl -k -b` may still have them; after a day without a further loss this is a pass again"};
}

Finding look(LogSubject about, const Facts& facts, const Profile& profile) {
  std::vector<const LogRule*> rules;
  for (const LogRule& rule : profile.log_rules) {
    if (rule.about == about) rules.push_back(&rule);
  }
  if (profile.log_rules.empty() && profile.gpus)
    return {Status::unknown, "the table of kernel log rules is not there",
            "it is part of the package: reinstall it"};
  if (rules.empty()) return not_applicable("no rule watches for it");
  if (!facts.kernel_log) return unknown(facts.kernel_log.error());
  const KernelLog& log = *facts.kernel_log;
  const auto gap = unread(log, facts, profile);
  const auto all = told_by(log, rules, facts);
  const Status status = all.empty() ? Status::pass : status_of(all.front().rule->severity);
  if (gap && status == Status::pass) return *gap;
  if (status == Status::pass) return {status, all.empty() ? "nothing of it" : text_of(all), {}};
  return {status, text_of(all), all.front().rule->advice};
}

}  // namespace

Finding log_gpu(const Facts& facts, const Profile& profile) {
  if (!profile.gpus) return not_applicable("the profile asks for no GPUs");
  return look(LogSubject::gpu, facts, profile);
}

Finding log_ras(const Facts& facts, const Profile& profile) {
  if (!profile.gpus) return not_applicable("the profile asks for no GPUs");
  return look(LogSubject::ras, facts, profile);
}

Finding log_bus(const Facts& facts, const Profile& profile) {
  return look(LogSubject::bus, facts, profile);
}

Finding log_storage(const Facts& facts, const Profile& profile) {
  return look(LogSubject::storage, facts, profile);
}

Finding log_host(const Facts& facts, const Profile& profile) {
  return look(LogSubject::host, facts, profile);
}

}  // namespace fettle::health
