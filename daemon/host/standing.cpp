#include "host/standing.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/text.h"

namespace fettle::host {
namespace {

using facts::Facts;
using facts::FoundSetting;
using profile::Setting;
using profile::SettingKind;
using profile::Where;

bool is_among(const std::string& value, const Setting& setting) {
  return value == setting.value ||
         std::find(setting.accept.begin(), setting.accept.end(), value) != setting.accept.end();
}

// "pci=realloc=off,noaer" has the word realloc=off.
bool is_good(const std::string& value, const Setting& setting) {
  if (is_among(value, setting)) return true;
  if (setting.kind != SettingKind::boot) return false;
  const auto words = split(value, ',');
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return is_among(std::string(word), setting); });
}

const FoundSetting* find(const Setting& setting, const facts::FoundSettings& all) {
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const FoundSetting& one) { return one.name == setting.name; });
  return at == all.end() ? nullptr : &*at;
}

// Nothing when it is not known what kind of machine this is and the setting asks.
std::optional<bool> means_something(const Setting& setting, const Facts& facts) {
  if (setting.where == Where::anywhere) return true;
  if (!facts.hardware) return std::nullopt;
  return facts.hardware->is_virtual == (setting.where == Where::virtual_machine);
}

std::string word_for(const std::string& value) {
  return value.empty() ? "not set" : value;
}

// What it is called in a sentence: "kernel.numa_balancing", "scaling_governor".
std::string short_name(const Setting& setting) {
  return setting.kind == SettingKind::sysfs ? setting.key.substr(setting.key.rfind('/') + 1) : setting.key;
}

// "powersave in 96 of 96 places" for the values that are not good; the good one when all are.
std::string found_text(const Setting& setting, const std::vector<facts::SettingPlace>& places) {
  if (places.size() == 1) return word_for(places.front().value);
  std::map<std::string, std::size_t> wrong;
  for (const facts::SettingPlace& place : places) {
    if (!is_good(place.value, setting)) ++wrong[place.value];
  }
  if (wrong.empty()) return places.front().value + " in " + count_of(places.size(), "place");
  std::string text;
  for (const auto& [value, count] : wrong)
    text += (text.empty() ? "" : ", ") + word_for(value) + " in " + std::to_string(count) + " of " +
            count_of(places.size(), "place");
  return text;
}

std::string found_limits(const std::vector<facts::SettingPlace>& places) {
  std::string text;
  for (const facts::SettingPlace& place : places)
    text += (text.empty() ? "" : ", ") + word_for(place.value) + " for " + place.where;
  return text;
}

std::string how_to(const Setting& setting, const SettingJudgement& looked) {
  if (looked.standing == Standing::pending) {
    return looked.set_by + " says so already: " +
           (setting.kind == SettingKind::boot ? "`update-grub` if it was not run since, and reboot"
                                              : "it is taken when the module is loaded again, at the next "
                                                "boot; `update-initramfs -u` first");
  }
  const std::string who = looked.set_by.empty() ? "" : "set by " + looked.set_by + ". ";
  if (!setting.advice.empty()) return who + setting.advice;
  if (setting.kind == SettingKind::boot)
    return who + "add " + setting.key + "=" + setting.value +
           " to GRUB_CMDLINE_LINUX in a file of /etc/default/grub.d, `update-grub`, reboot";
  return who + "`fettle host apply` shows what it would write";
}

std::string reads_text(const Setting& setting) {
  switch (setting.kind) {
    case SettingKind::sysctl:
      return setting.key + " below /proc/sys, and sysctl.d for who set it";
    case SettingKind::sysfs:
      return setting.key + (setting.beside.empty() ? "" : " where " + setting.beside) +
             ", and tmpfiles.d for who set it";
    case SettingKind::module:
      return "/sys/module, parameter " + setting.key + ", and modprobe.d for who set it";
    case SettingKind::limit:
      return "/etc/security/limits.conf and limits.d for logins, system.conf.d of systemd for units";
    case SettingKind::boot:
      break;
  }
  return "/proc/cmdline, and /etc/default/grub for what comes at the next boot";
}

}  // namespace

std::string_view to_text(Standing standing) {
  switch (standing) {
    case Standing::good:
      return "good";
    case Standing::wrong:
      return "wrong";
    case Standing::pending:
      return "pending";
    case Standing::absent:
      return "absent";
    case Standing::elsewhere:
      return "elsewhere";
    case Standing::unknown:
      return "unknown";
  }
  return "unknown";
}

SettingJudgement look_at(const Setting& setting, const Facts& facts) {
  SettingJudgement looked;
  const auto means = means_something(setting, facts);
  if (!means) {
    looked.error = facts.hardware.error();
    return looked;
  }
  if (!*means) {
    looked.standing = Standing::elsewhere;
    return looked;
  }
  if (!facts.settings) {
    looked.error = facts.settings.error();
    return looked;
  }
  const FoundSetting* const found = find(setting, *facts.settings);
  if (found == nullptr) {
    looked.error = {Why::missing, "cannot say yet: not looked at", ""};
    return looked;
  }
  if (found->set_by && !found->set_by->empty()) looked.set_by = found->set_by->back().file;
  if (!found->now) {
    looked.error = found->now.error();
    if (looked.error.why == Why::missing && setting.kind != SettingKind::boot)
      looked.standing = Standing::absent;
    return looked;
  }
  looked.found =
      setting.kind == SettingKind::limit ? found_limits(*found->now) : found_text(setting, *found->now);
  const bool all_good = std::all_of(found->now->begin(), found->now->end(),
                                    [&](const auto& place) { return is_good(place.value, setting); });
  looked.standing = all_good ? Standing::good : Standing::wrong;
  // Only these two kinds are taken at a later moment; of the others the running value is all that counts.
  const bool is_late = setting.kind == SettingKind::boot || setting.kind == SettingKind::module;
  if (!all_good && is_late && found->set_by && !found->set_by->empty() &&
      is_good(found->set_by->back().value, setting) && found->set_by->back().file != "/proc/cmdline")
    looked.standing = Standing::pending;
  return looked;
}

Finding judge(const Setting& setting, const Facts& facts) {
  const SettingJudgement looked = look_at(setting, facts);
  switch (looked.standing) {
    case Standing::good:
      return {Status::pass, short_name(setting) + " is " + looked.found, {}};
    case Standing::absent:
      return not_applicable("this machine does not have it");
    case Standing::elsewhere:
      return not_applicable(setting.where == Where::bare_metal ? "means nothing in a virtual machine"
                                                               : "means something in a virtual machine only");
    case Standing::unknown:
      return unknown(looked.error);
    case Standing::wrong:
    case Standing::pending:
      break;
  }
  return {setting.severity == profile::Severity::error ? Status::fail : Status::warn,
          short_name(setting) + " is " + looked.found + ", the profile wants " + setting.value,
          how_to(setting, looked)};
}

std::string id_of(const Setting& setting) {
  return "host." + setting.name;
}

std::string wanted_text(const Setting& setting) {
  switch (setting.kind) {
    case SettingKind::sysctl:
    case SettingKind::sysfs:
      return setting.key + " = " + setting.value;
    case SettingKind::module:
      return "parameter " + setting.key + " = " + setting.value;
    case SettingKind::limit:
      return "limit " + setting.key + " = " + setting.value;
    case SettingKind::boot:
      break;
  }
  return setting.key + "=" + setting.value + " on the kernel command line";
}

Findings findings(const Facts& facts, const profile::Profile& profile,
                  std::chrono::system_clock::time_point now) {
  Findings findings;
  if (!profile.host) return findings;
  for (const Setting& setting : profile.host->settings)
    findings.push_back({id_of(setting), wanted_text(setting), judge(setting, facts), now});
  return findings;
}

std::optional<Explanation> explain(std::string_view id, const profile::Profile& profile) {
  if (!profile.host) return std::nullopt;
  for (const Setting& setting : profile.host->settings) {
    if (id_of(setting) != id) continue;
    std::string advice = setting.advice.empty() ? "`fettle host show` tells who sets it now, `fettle host "
                                                  "apply` what would be written"
                                                : setting.advice;
    if (!setting.source.empty()) advice += ". Source: " + setting.source;
    return Explanation{std::string(id), reads_text(setting),
                       wanted_text(setting) + " is wanted: " + setting.why, std::move(advice)};
  }
  return std::nullopt;
}

}  // namespace fettle::host
