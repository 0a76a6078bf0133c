#include "storage/rival_texts.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include "base/names.h"
#include "base/text.h"

namespace fettle::storage {
namespace {

constexpr Bytes largest_text = 1_MiB;
constexpr std::array<std::string_view, 4> unit_directories{"/etc/systemd/system", "/run/systemd/system",
                                                           "/usr/lib/systemd/system", "/lib/systemd/system"};

bool ends_with(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() && text.substr(text.size() - ending.size()) == ending;
}

// Comment lines become empty ones, so that lines still count right.
std::string without_comments(std::string_view text) {
  std::string kept;
  for (const std::string_view line : lines(text)) {
    const std::string_view words = trim(line);
    if (words.empty() || (words.front() != '#' && words.front() != ';')) kept += line;
    kept += '\n';
  }
  return kept;
}

std::string word_of(std::string_view line, std::size_t which) {
  for (std::size_t at = 0;; ++at) {
    line = trim(line);
    const auto gap = line.find_first_of(" \t");
    if (at == which) return std::string(line.substr(0, gap));
    if (gap == std::string_view::npos) return {};
    line.remove_prefix(gap);
  }
}

// What a unit file or waagent.conf says of a key, last one first in force.
std::string value_of(std::string_view text, std::string_view key) {
  std::string value;
  for (std::string_view line : lines(text)) {
    line = trim(line);
    if (line.substr(0, key.size()) == key) value = trim(line.substr(key.size()));
  }
  return value;
}

class Reading {
 public:
  explicit Reading(const system::Files& files) : files_(files) {}

  Statements run() && {
    each_line(Place::fstab, "/etc/fstab");
    for (Statement& statement : statements_.all) statement.where = word_of(statement.text, 1);
    mount_units();
    services();
    boot_scripts();
    cloud_init();
    for (const char* const path : {"/etc/mdadm/mdadm.conf", "/etc/mdadm.conf", "/.aws/mdadm.conf"})
      each_line(Place::mdadm, path);
    for (const char* const directory : {"/etc/mdadm/mdadm.conf.d", "/etc/mdadm.conf.d"})
      each_file(directory, ".conf", [&](const std::string& path) { each_line(Place::mdadm, path); });
    for (const char* const directory : {"/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d"})
      each_file(directory, ".rules", [&](const std::string& path) { each_line(Place::udev, path); });
    waagent();
    for (const std::string& name : names_in("/var/lib/kubelet/plugins"))
      add({Place::kubelet, "/var/lib/kubelet/plugins/" + name, 1, name, {}});
    return std::move(statements_);
  }

 private:
  void add(Statement statement) { statements_.all.push_back(std::move(statement)); }

  // What is not there says nothing; what cannot be read may say anything.
  void blind(const Error& error) {
    if (error.why != Why::missing) statements_.blind.push_back(error);
  }

  std::optional<std::string> text_of(const std::string& path) {
    const auto text = files_.read(path, largest_text);
    if (text) return without_comments(*text);
    blind(text.error());
    return std::nullopt;
  }

  std::vector<std::string> names_in(const std::string& directory) {
    auto names = files_.list(directory);
    if (names) return std::move(*names);
    blind(names.error());
    return {};
  }

  template <class Function>
  void each_file(const std::string& directory, std::string_view ending, Function&& function) {
    for (const std::string& name : names_in(directory)) {
      if (ends_with(name, ending)) function(directory + "/" + name);
    }
  }

  // A line that ends in a backslash goes on in the next.
  void each_line(Place place, const std::string& path) {
    const auto text = text_of(path);
    if (!text) return;
    std::size_t number = 0;
    std::size_t first = 1;
    std::string whole;
    for (const std::string_view line : lines(*text)) {
      ++number;
      if (whole.empty()) first = number;
      whole += line;
      if (!whole.empty() && whole.back() == '\\') {
        whole.back() = ' ';
        continue;
      }
      if (!trim(whole).empty()) add({place, path, first, std::string(trim(whole)), {}});
      whole.clear();
    }
  }

  // Not those of packages: they know nothing of this machine's drives. Ours leads to the cache link.
  void mount_units() {
    for (const std::string_view directory : {unit_directories[0], unit_directories[1]}) {
      for (const std::string& name : names_in(std::string(directory))) {
        if (!ends_with(name, ".mount") && !ends_with(name, ".swap")) continue;
        const std::string path = std::string(directory) + "/" + name;
        if (is_masked(path)) continue;
        const auto text = text_of(path);
        if (!text || value_of(*text, "What=") == names::cache_link) continue;
        add({Place::mount_unit, path, 1, *text, value_of(*text, "Where=")});
      }
    }
  }

  bool is_masked(const std::string& path) const {
    const auto target = files_.read_link(path);
    return target && *target == "/dev/null";
  }

  // Enabled = some target wants or requires it. Ours are left out.
  std::set<std::string> enabled_services() {
    std::set<std::string> enabled;
    for (const std::string_view directory : {unit_directories[0], unit_directories[1], unit_directories[2]}) {
      for (const std::string& target : names_in(std::string(directory))) {
        if (!ends_with(target, ".wants") && !ends_with(target, ".requires")) continue;
        for (const std::string& name : names_in(std::string(directory) + "/" + target)) {
          if (ends_with(name, ".service") && name.rfind("fettle", 0) != 0) enabled.insert(name);
        }
      }
    }
    return enabled;
  }

  void services() {
    for (const std::string& name : enabled_services()) {
      for (const std::string_view directory : unit_directories) {
        const std::string path = std::string(directory) + "/" + name;
        const auto info = files_.look(path);
        if (!info && info.error().why == Why::missing) continue;
        if (info && is_masked(path)) break;
        if (const auto text = text_of(path)) service(name, path, *text, directory == unit_directories[0]);
        break;
      }
    }
  }

  void service(const std::string& name, const std::string& path, const std::string& text, bool is_local) {
    Statement statement{Place::unit, path, 1, name + " ", {}};
    std::vector<std::string> programs;
    for (const std::string_view line : lines(text)) {
      const std::string_view words = trim(line);
      if (words.rfind("Exec", 0) == 0) {
        statement.text += words;
        const auto equals = words.find('=');
        if (equals != std::string_view::npos) programs.push_back(word_of(words.substr(equals + 1), 0));
      }
      statement.text += '\n';
    }
    add(std::move(statement));
    if (!is_local) return;
    for (std::string& program : programs) {
      program.erase(0, program.find('/'));
      // What a package brought is known by its name.
      if (program.empty() || program.rfind("/usr/bin/", 0) == 0 || program.rfind("/usr/sbin/", 0) == 0 ||
          program.rfind("/bin/", 0) == 0 || program.rfind("/sbin/", 0) == 0)
        continue;
      script(Place::unit_script, program);
    }
  }

  // A program is none, and larger than any script.
  void script(Place place, const std::string& path) {
    const auto info = files_.look_through(path);
    if (!info) return blind(info.error());
    if (info->kind != system::Kind::file || info->size > largest_text) return;
    if (const auto text = text_of(path)) add({place, path, 1, *text, {}});
  }

  void boot_scripts() {
    for (const char* const path : {"/etc/rc.local", "/etc/crontab", "/var/spool/cron/crontabs/root"})
      script(Place::boot_script, path);
    for (const char* const directory :
         {"/etc/cron.d", "/var/lib/cloud/scripts/per-boot", "/var/lib/cloud/scripts/per-instance",
          "/var/lib/cloud/scripts/per-once", "/var/lib/cloud/instance/scripts",
          "/var/lib/cloud/instance/boothooks"})
      each_file(directory, "", [&](const std::string& path) { script(Place::boot_script, path); });
  }

  // Only keys at the beginning of a line: user data may be several documents in one mail, so that no reader
  // of YAML takes it as it is.
  void cloud_init() {
    std::vector<std::string> paths{"/etc/cloud/cloud.cfg"};
    each_file("/etc/cloud/cloud.cfg.d", ".cfg", [&](const std::string& path) { paths.push_back(path); });
    for (const char* const name : {"user-data.txt", "vendor-data.txt", "cloud-config.txt"})
      paths.push_back("/var/lib/cloud/instance/" + std::string(name));
    for (const std::string& path : paths) {
      if (const auto text = text_of(path)) blocks(path, *text);
    }
  }

  void blocks(const std::string& path, const std::string& text) {
    static const std::map<std::string_view, Place> keys{
        {"disk_setup", Place::cloud_disks},  {"fs_setup", Place::cloud_disks},
        {"mounts", Place::cloud_mounts},     {"bootcmd", Place::cloud_run},
        {"write_files", Place::cloud_files}, {"spec", Place::node_config},
        {"runcmd", Place::cloud_run}};
    std::optional<Statement> block;
    std::size_t number = 0;
    for (const std::string_view line : lines(text)) {
      ++number;
      // A list may stand as far left as its key.
      const bool is_inside =
          line.empty() || line.front() == ' ' || line.front() == '\t' || line.front() == '-';
      if (!is_inside) {
        if (block) add(std::move(*block));
        block.reset();
        const auto key = keys.find(line.substr(0, line.find(':')));
        if (key != keys.end()) block = Statement{key->second, path, number, {}, {}};
      }
      if (block) block->text += std::string(line) + "\n";
    }
    if (block) add(std::move(*block));
  }

  void waagent() {
    const auto text = text_of("/etc/waagent.conf");
    if (!text) return;
    const std::string formats = value_of(*text, "ResourceDisk.Format=");
    if (formats != "y" && formats != "Y") return;
    add({Place::waagent, "/etc/waagent.conf", 1, *text, value_of(*text, "ResourceDisk.MountPoint=")});
  }

  const system::Files& files_;
  Statements statements_;
};

}  // namespace

Statements read_statements(const system::Files& files) {
  return Reading(files).run();
}

}  // namespace fettle::storage
