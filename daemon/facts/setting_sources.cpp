// Who sets a setting of the host: the files that systemd, modprobe, PAM and the boot loader read, in their
// order.
#include <algorithm>
#include <map>

#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

using profile::Setting;
using profile::SettingKind;

constexpr Bytes file_limit = 1_MiB;  // of one configuration file; larger ones are somebody's mistake

// Files of one name in several directories are one file: the first directory that has it. They are read in
// the order of their names (sysctl.d(5), tmpfiles.d(5), modprobe.d(5), systemd-system.conf(5)).
Result<std::vector<std::string>> files_of(const system::Files& files, const std::vector<std::string>& places,
                                          std::string_view ending) {
  std::map<std::string, std::string> by_name;
  for (const std::string& place : places) {
    const auto names = list_optional(files, place);
    if (!names) return fail(names.error());
    for (const std::string& name : *names) {
      if (name.size() > ending.size() && name.ends_with(ending)) by_name.emplace(name, place + "/" + name);
    }
  }
  std::vector<std::string> all;
  for (const auto& [name, path] : by_name) all.push_back(path);
  return all;
}

std::vector<std::string> places(const std::string& name) {
  return {"/etc/" + name, "/run/" + name, "/usr/local/lib/" + name, "/usr/lib/" + name};
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (const std::string_view part : split(line, ' ')) {
    for (const std::string_view word : split(part, '\t')) {
      if (!trim(word).empty()) words.push_back(trim(word));
    }
  }
  return words;
}

// Calls `each(line)` for every line that is no comment. A file that is not there or is a link to nowhere
// (to /dev/null: masked) has none.
template <class Each>
Result<void> for_lines(const system::Files& files, const std::string& path, const Each& each) {
  const auto text = files.read(path, file_limit);
  if (!text && (text.error().why == Why::missing || text.error().why == Why::malformed)) return {};
  if (!text) return fail(text.error());
  for (const std::string_view line : lines(*text)) {
    const std::string_view said = trim(line);
    if (!said.empty() && said.front() != '#' && said.front() != ';') each(said);
  }
  return {};
}

using Sources = std::vector<SettingSource>;

// `value(line)` is what a line sets the setting to, or nothing.
template <class Value>
Result<Sources> collect(const system::Files& files, const std::vector<std::string>& paths,
                        const Value& value) {
  Sources sources;
  for (const std::string& path : paths) {
    const auto read = for_lines(files, path, [&](std::string_view line) {
      if (const std::optional<std::string> found = value(line)) sources.push_back({path, *found});
    });
    if (!read) return fail(read.error());
  }
  return sources;
}

Result<Sources> of_sysctl(const system::Files& files, const std::string& key) {
  auto paths = files_of(files, places("sysctl.d"), ".conf");
  if (!paths) return fail(paths.error());
  return collect(files, *paths, [&](std::string_view line) -> std::optional<std::string> {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    std::string name(trim(line.substr(0, equals)));
    if (!name.empty() && name.front() == '-') name.erase(0, 1);  // "may fail"
    std::replace(name.begin(), name.end(), '/', '.');
    if (name != key) return std::nullopt;
    return std::string(trim(line.substr(equals + 1)));
  });
}

// w PATH - - - - VALUE
Result<Sources> of_sysfs(const system::Files& files, const std::string& key) {
  auto paths = files_of(files, places("tmpfiles.d"), ".conf");
  if (!paths) return fail(paths.error());
  return collect(files, *paths, [&](std::string_view line) -> std::optional<std::string> {
    const auto words = words_of(line);
    if (words.size() < 7 || !words[0].starts_with('w') || words[1] != key) return std::nullopt;
    return std::string(words[6]);
  });
}

// options MODULE NAME=VALUE …
Result<Sources> of_module(const system::Files& files, const std::string& key) {
  auto paths = files_of(files, places("modprobe.d"), ".conf");
  if (!paths) return fail(paths.error());
  const std::string module = key.substr(0, key.find('.'));
  const std::string name = key.substr(module.size() + 1);
  auto sources = collect(files, *paths, [&](std::string_view line) -> std::optional<std::string> {
    const auto words = words_of(line);
    if (words.size() < 3 || words[0] != "options" || words[1] != module) return std::nullopt;
    for (std::size_t at = words.size() - 1; at >= 2; --at) {
      if (words[at].starts_with(name) && words[at].substr(name.size()).starts_with('='))
        return std::string(words[at].substr(name.size() + 1));
    }
    return std::nullopt;
  });
  if (!sources) return sources;
  const auto line = files.read("/proc/cmdline", 64_KiB);  // has the last word
  if (line) {
    if (const auto value = boot_value(*line, key)) sources->push_back({"/proc/cmdline", *value});
  }
  return sources;
}

// "* soft memlock unlimited" for logins; DefaultLimitMEMLOCK=infinity for units.
Result<Sources> of_limit(const system::Files& files, const std::string& key) {
  std::vector<std::string> paths{"/etc/security/limits.conf"};
  auto more = files_of(files, {"/etc/security/limits.d"}, ".conf");
  if (!more) return fail(more.error());
  paths.insert(paths.end(), more->begin(), more->end());
  auto sources = collect(files, paths, [&](std::string_view line) -> std::optional<std::string> {
    const auto words = words_of(line);
    // What holds for all users; "soft" is what a session begins with, "-" is both.
    if (words.size() < 4 || words[0] != "*" || words[2] != key || words[1] == "hard") return std::nullopt;
    return std::string(words[3]);
  });
  if (!sources) return sources;
  std::string name = "DefaultLimit";
  for (const char c : key) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  paths = {"/etc/systemd/system.conf"};
  more = files_of(files, places("systemd/system.conf.d"), ".conf");
  if (!more) return fail(more.error());
  paths.insert(paths.end(), more->begin(), more->end());
  auto of_units = collect(files, paths, [&](std::string_view line) -> std::optional<std::string> {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || trim(line.substr(0, equals)) != name) return std::nullopt;
    const std::string_view value = trim(line.substr(equals + 1));
    return value == "infinity" ? "unlimited" : std::string(value);  // one word for one thing
  });
  if (!of_units) return of_units;
  sources->insert(sources->end(), of_units->begin(), of_units->end());
  return sources;
}

// GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT, which the next boot takes once update-grub has run.
Result<Sources> of_boot(const system::Files& files, const std::string& key) {
  std::vector<std::string> paths{"/etc/default/grub"};
  auto more = files_of(files, {"/etc/default/grub.d"}, ".cfg");
  if (!more) return fail(more.error());
  paths.insert(paths.end(), more->begin(), more->end());
  return collect(files, paths, [&](std::string_view line) -> std::optional<std::string> {
    if (!line.starts_with("GRUB_CMDLINE_LINUX")) return std::nullopt;
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    std::string value(line.substr(equals + 1));
    value.erase(std::remove_if(value.begin(), value.end(), [](char c) { return c == '"' || c == '\''; }),
                value.end());
    return boot_value(value, key);
  });
}

// The mode that a line of udev's rules sets: ATTR{current_compute_partition}="CPX", or a RUN with
// echo CPX > …/current_compute_partition.
std::optional<std::string> partition_of(std::string_view line) {
  constexpr std::string_view name = "current_compute_partition";
  constexpr std::string_view assigned = "current_compute_partition}=\"";
  constexpr std::string_view said = "echo ";
  if (line.find(name) == std::string_view::npos) return std::nullopt;
  std::string_view value;
  if (const auto at = line.find(assigned); at != std::string_view::npos) {
    value = line.substr(at + assigned.size());
  } else if (const auto echo = line.find(said); echo != std::string_view::npos) {
    value = line.substr(echo + said.size());
  }
  const std::string_view word = value.substr(0, value.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
  if (word.empty()) return std::nullopt;
  return std::string(word);
}

}  // namespace

Result<std::vector<SettingSource>> read_partition_sources(const system::Files& files) {
  // udev(7): the same name in an earlier directory stands for it, as with the others.
  const auto paths = files_of(
      files,
      {"/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d"},
      ".rules");
  if (!paths) return fail(paths.error());
  return collect(files, *paths, partition_of);
}

Result<std::vector<SettingSource>> read_setting_sources(const system::Files& files, const Setting& wanted) {
  switch (wanted.kind) {
    case SettingKind::sysctl:
      return of_sysctl(files, wanted.key);
    case SettingKind::sysfs:
      return of_sysfs(files, wanted.key);
    case SettingKind::module:
      return of_module(files, wanted.key);
    case SettingKind::limit:
      return of_limit(files, wanted.key);
    case SettingKind::boot:
      break;
  }
  return of_boot(files, wanted.key);
}

}  // namespace fettle::facts
