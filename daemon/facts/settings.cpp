// The settings of the host that a profile names: what each holds now.
#include <fnmatch.h>

#include <algorithm>

#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

using profile::Setting;
using profile::SettingKind;

constexpr std::size_t most_places = 65536;  // 512 processors with a dozen idle states each are 6,000

// Every path that a pattern means; '*' stands within one name.
Result<std::vector<std::string>> places_of(const system::Files& files, const std::string& pattern) {
  std::vector<std::string> paths{""};
  for (const std::string_view part : split(std::string_view(pattern).substr(1), '/')) {
    const std::string name(part);
    std::vector<std::string> next;
    for (const std::string& path : paths) {
      if (part.find('*') == std::string_view::npos) {
        next.push_back(path + "/" + name);
        continue;
      }
      const auto names = list_optional(files, path);
      if (!names) return fail(names.error());
      for (const std::string& each : *names) {
        if (next.size() < most_places && ::fnmatch(name.c_str(), each.c_str(), FNM_NOESCAPE) == 0)
          next.push_back(path + "/" + each);
      }
    }
    paths = std::move(next);
  }
  return paths;
}

Result<bool> has_beside(const system::Files& files, const std::string& path, const std::string& beside) {
  if (beside.empty()) return true;
  const auto equals = beside.find('=');
  const auto text = read_optional(files, path.substr(0, path.rfind('/') + 1) + beside.substr(0, equals));
  if (!text) return fail(text.error());
  return *text == beside.substr(equals + 1);
}

Result<std::vector<SettingPlace>> read_sysfs(const system::Files& files, const Setting& wanted) {
  const auto paths = places_of(files, wanted.key);
  if (!paths) return fail(paths.error());
  std::vector<SettingPlace> places;
  for (const std::string& path : *paths) {
    const auto is_meant = has_beside(files, path, wanted.beside);
    if (!is_meant) return fail(is_meant.error());
    if (!*is_meant) continue;
    const auto text = read_value(files, path);
    if (!text && text.error().why == Why::missing) continue;  // a processor went away
    if (!text) return fail(text.error());
    places.push_back({path, chosen_word(*text)});
  }
  if (places.empty()) return fail(Why::missing, "cannot find '" + wanted.key + "' on this machine");
  return places;
}

Result<std::vector<SettingPlace>> read_one(const system::Files& files, const std::string& path) {
  const auto text = read_value(files, path);
  if (!text) return fail(text.error());
  return std::vector<SettingPlace>{{path, *text}};
}

Result<std::vector<SettingPlace>> read_boot(const system::Files& files, const Setting& wanted) {
  const std::string path = "/proc/cmdline";
  const auto line = files.read(path, 64_KiB);
  if (!line) return fail(line.error());
  // A word that is not there is no missing fact: it is known not to be there.
  return std::vector<SettingPlace>{{path, boot_value(*line, wanted.key).value_or("")}};
}

// The running session's limit is the reader's, which says nothing of the work's: what logins and units are
// given is in the files.
Result<std::vector<SettingPlace>> read_limit(const system::Files& files, const Setting& wanted) {
  const auto sources = read_setting_sources(files, wanted);
  if (!sources) return fail(sources.error());
  SettingPlace logins{"logins", ""};
  SettingPlace units{"units", ""};
  for (const SettingSource& source : *sources)
    (source.file.starts_with("/etc/security/") ? logins : units).value = source.value;
  return std::vector<SettingPlace>{logins, units};
}

Result<std::vector<SettingPlace>> read_now(const system::Files& files, const Setting& wanted) {
  const auto dot = wanted.key.find('.');
  switch (wanted.kind) {
    case SettingKind::sysctl: {
      std::string path = "/proc/sys/" + wanted.key;
      std::replace(path.begin() + 10, path.end(), '.', '/');
      return read_one(files, path);
    }
    case SettingKind::sysfs:
      return read_sysfs(files, wanted);
    case SettingKind::module:
      return read_one(
          files, "/sys/module/" + wanted.key.substr(0, dot) + "/parameters/" + wanted.key.substr(dot + 1));
    case SettingKind::limit:
      return read_limit(files, wanted);
    case SettingKind::boot:
      break;
  }
  return read_boot(files, wanted);
}

}  // namespace

std::string chosen_word(std::string_view text) {
  const auto open = text.find('[');
  const auto close = text.find(']', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos) return std::string(text);
  return std::string(text.substr(open + 1, close - open - 1));
}

std::optional<std::string> boot_value(std::string_view line, std::string_view key) {
  std::optional<std::string> value;
  std::string word;
  bool quoted = false;
  const auto take = [&] {
    const std::string_view whole = word;
    if (whole == key) value = "";
    if (whole.starts_with(key) && whole.substr(key.size()).starts_with('='))
      value = std::string(whole.substr(key.size() + 1));
    word.clear();
  };
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ' ' || c == '\n' || c == '\t')) {
      take();
    } else {
      word += c;
    }
  }
  take();
  return value;
}

FoundSettings read_settings(const system::Files& files, const std::vector<Setting>& wanted) {
  FoundSettings found;
  for (const Setting& setting : wanted)
    found.push_back({setting.name, read_now(files, setting), read_setting_sources(files, setting)});
  return found;
}

}  // namespace fettle::facts
