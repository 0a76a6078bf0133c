#include "host/plan.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "host/partition.h"
#include "host/standing.h"

namespace fettle::host {
namespace {

using facts::Facts;
using facts::FoundSetting;
using profile::Setting;
using profile::SettingKind;

// What will stand in each of our files.
struct Wanted {
  std::string text;
  std::string remembered;
  std::vector<std::string> settings;
};
using WantedFiles = std::map<std::string_view, Wanted>;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

void add(WantedFiles& files, std::string_view path, const Setting& setting, const std::string& line) {
  Wanted& file = files[path];
  file.text += "\n# " + setting.name + ": " + setting.why + "\n" + line + "\n";
  file.settings.push_back(setting.name);
}

void add_limit(WantedFiles& files, const Setting& setting) {
  add(files, limits_file, setting,
      "* soft " + setting.key + " " + setting.value + "\n* hard " + setting.key + " " + setting.value +
          "\nroot soft " + setting.key + " " + setting.value + "\nroot hard " + setting.key + " " +
          setting.value);
  const std::string line = "[Manager]\nDefaultLimit" + upper(setting.key) + "=" +
                           (setting.value == "unlimited" ? "infinity" : setting.value);
  add(files, units_file, setting, line);
  add(files, sessions_file, setting, line);
}

void add_line(WantedFiles& files, const Setting& setting) {
  const auto dot = setting.key.find('.');
  switch (setting.kind) {
    case SettingKind::sysctl:
      add(files, sysctl_file, setting, setting.key + " = " + setting.value);
      return;
    case SettingKind::sysfs:
      // '-': a place that is not there at boot is no failure of the unit.
      add(files, tmpfiles_file, setting, "w- " + setting.key + " - - - - " + setting.value);
      return;
    case SettingKind::module:
      add(files, modprobe_file, setting,
          "options " + setting.key.substr(0, dot) + " " + setting.key.substr(dot + 1) + "=" + setting.value);
      return;
    case SettingKind::limit:
      add_limit(files, setting);
      return;
    case SettingKind::boot:
      return;
  }
}

std::string_view file_of(SettingKind kind) {
  switch (kind) {
    case SettingKind::sysctl:
      return sysctl_file;
    case SettingKind::sysfs:
      return tmpfiles_file;
    case SettingKind::module:
      return modprobe_file;
    case SettingKind::limit:
      return limits_file;
    case SettingKind::boot:
      break;
  }
  return {};
}

bool is_set_at_once(SettingKind kind) {
  return kind == SettingKind::sysctl || kind == SettingKind::sysfs;
}

bool is_in_our_file(const FoundSetting& found, std::string_view file) {
  return found.set_by && std::any_of(found.set_by->begin(), found.set_by->end(),
                                     [&](const auto& source) { return source.file == file; });
}

const FoundSetting* find(const Setting& setting, const Facts& facts) {
  if (!facts.settings) return nullptr;
  const auto at = std::find_if(facts.settings->begin(), facts.settings->end(),
                               [&](const FoundSetting& one) { return one.name == setting.name; });
  return at == facts.settings->end() ? nullptr : &*at;
}

// The values that stand in the places of a setting before we touch them; those that an earlier run remembered
// stay as they are, for what stands there now is ours.
void remember(Wanted& file, const FoundSetting& found, const OurFile& ours, const Setting& setting) {
  for (const facts::SettingPlace& place : *found.now) {
    const auto known = std::find_if(ours.before.begin(), ours.before.end(),
                                    [&](const Before& before) { return before.path == place.where; });
    if (known != ours.before.end()) {
      file.remembered += before_line(*known);
    } else if (place.value != setting.value && !place.value.empty() &&
               place.value.find('\n') == std::string::npos) {
      file.remembered += before_line({place.where, place.value});
    }
  }
}

std::string_view late_advice(SettingKind kind) {
  if (kind == SettingKind::module)
    return "taken when the module is loaded again: `update-initramfs -u`, and the next boot";
  if (kind == SettingKind::limit)
    return "new logins have it at once, units after `systemctl daemon-reexec` and their own restart";
  return {};
}

template <class T>
void move_to(std::vector<T>& all, std::vector<T>&& more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

void add_partition(Plan& plan, WantedFiles& files, PartitionPlan&& partition) {
  move_to(plan.values, std::move(partition.values));
  move_to(plan.advice, std::move(partition.advice));
  move_to(plan.refused, std::move(partition.refused));
  if (partition.rule.empty()) return;
  Wanted& file = files[udev_file];
  file.text = std::move(partition.rule);
  for (const Before& before : partition.before) file.remembered += before_line(before);
  file.settings.emplace_back(partition_name);
}

std::string content_of(const Wanted& file) {
  return std::string(first_line) + "\n" + file.remembered + file.text;
}

}  // namespace

Plan plan(const profile::Profile& profile, const Facts& facts, const OurFiles& ours) {
  Plan plan;
  WantedFiles wanted;
  if (profile.host) {
    for (const Setting& setting : profile.host->settings) {
      const SettingJudgement looked = look_at(setting, facts);
      if (looked.standing == Standing::absent || looked.standing == Standing::elsewhere) continue;
      if (looked.standing == Standing::unknown) {
        plan.advice.push_back({setting.name, "left alone: " + looked.error.said});
        continue;
      }
      if (setting.kind == SettingKind::boot) {
        if (looked.standing != Standing::good)
          plan.advice.push_back({setting.name, judge(setting, facts).hint});
        continue;
      }
      const FoundSetting* const found = find(setting, facts);
      const std::string_view file = file_of(setting.kind);
      const bool is_ours = is_in_our_file(*found, file);
      if (looked.standing == Standing::good && !is_ours) continue;
      add_line(wanted, setting);
      if (is_set_at_once(setting.kind)) {
        remember(wanted[file], *found, ours.at(file), setting);
        for (const facts::SettingPlace& place : *found->now) {
          if (looked.standing == Standing::wrong && place.value != setting.value)
            plan.values.push_back({place.where, setting.value});
        }
      } else if (!is_ours) {
        plan.advice.push_back({setting.name, std::string(late_advice(setting.kind))});
      }
    }
  }
  add_partition(plan, wanted, plan_partition(profile, facts, ours.at(udev_file)));
  for (const auto& [path, file] : ours) {
    const auto at = wanted.find(path);
    const std::string content = at == wanted.end() ? std::string() : content_of(at->second);
    if (file.is_foreign) {
      if (at != wanted.end())
        plan.refused.push_back({Why::refused, "cannot write '" + std::string(path) + "': it is not ours",
                                "move it away, or keep it and leave `fettle host apply` alone"});
      continue;
    }
    if (content == file.content) continue;
    plan.files.push_back(
        {std::string(path), content, at == wanted.end() ? std::vector<std::string>() : at->second.settings});
  }
  return plan;
}

Plan plan_revert(const OurFiles& ours, const Facts& facts) {
  Plan plan;
  for (const auto& [path, file] : ours) {
    if (file.content.empty() || file.is_foreign) continue;
    std::vector<ValueStep> values;
    bool is_of_gpus = false;
    for (const Before& before : file.before) {
      if (is_partition(before.path) && stands(before, facts)) continue;
      is_of_gpus = is_of_gpus || is_partition(before.path);
      values.push_back({before.path, before.value});
    }
    auto refusal = is_of_gpus ? why_not_now(facts) : std::nullopt;
    if (refusal) {
      plan.refused.push_back(std::move(*refusal));
      continue;  // the file too: it remembers
    }
    move_to(plan.values, std::move(values));
    plan.files.push_back({std::string(path), "", {}});
  }
  return plan;
}

}  // namespace fettle::host
