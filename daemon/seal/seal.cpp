#include "seal/seal.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <string_view>

#include "base/names.h"
#include "base/text.h"
#include "facts/readers.h"

namespace fettle::seal {
namespace {

using system::Files;
using system::Kind;

// Deep enough for every tree of ours, and an end for one that is not.
constexpr int deepest = 8;

struct Place {
  std::string_view path;  // a file, or a directory whose files go
  std::string_view what;
};

constexpr std::array places{
    Place{"/var/lib/fettle/provision", "which drives this machine may use again, and what its boots did"},
    Place{"/var/lib/fettle/daemon", "what happened on this machine: events and ledger"},
    Place{"/var/lib/fettle/stage", "what this machine staged and verified"},
    Place{"/var/lib/fettle/collect", "how fast the drives of this machine are"},
    Place{"/etc/fettle/credentials", "a token: whoever rents the next machine could use it"},
};

// Only where /run lies on the disk, as in a chroot; else it ends with the boot.
constexpr Place run_place{names::run_directory, "what was true of one boot"};

struct Other {
  std::string_view path;  // a '*' at the end stands for the rest of the name
  std::string_view says;
};

// https://systemd.io/BUILDING_IMAGES, and what cloud-init and mdadm keep of a machine.
constexpr std::array others{
    Other{"/etc/machine-id",
          "`truncate --size 0 /etc/machine-id`: two machines of one id are one to fettle, DHCP and the "
          "journal"},
    Other{"/var/lib/dbus/machine-id", "`rm /var/lib/dbus/machine-id`, where it is a file of its own"},
    Other{"/var/lib/systemd/random-seed",
          "`rm /var/lib/systemd/random-seed`: the machines would start with the same random numbers"},
    Other{"/var/lib/systemd/credential.secret",
          "`rm /var/lib/systemd/credential.secret`: one machine could read another's credentials"},
    Other{"/etc/ssh/ssh_host_*", "`rm /etc/ssh/ssh_host_*`: each machine could pass for the others"},
    Other{"/etc/fettle/conf.d/*",
          "these stay, and every machine of the image has them: remove those that are about this one"},
    Other{"/var/lib/cloud/instance", "`cloud-init clean --logs`: the first boot would not be taken for one"},
    Other{"/root/.cache/huggingface/token", "`rm /root/.cache/huggingface/token`: it is somebody's"},
};

class Walk {
 public:
  explicit Walk(const Files& files) : files_(files) {}

  Result<void> take(const std::string& path, std::string_view what, int depth = 0) {
    const auto info = files_.look(path);
    if (!info && info.error().why == Why::missing) return {};
    if (!info) return fail(info.error());
    if (info->kind != Kind::directory) {
      found_.push_back({path, std::string(what)});
      return {};
    }
    if (depth == deepest)
      return fail(Why::refused, "cannot go deeper than '" + path + "'", "look what it is");
    const auto entries = files_.list(path);
    if (!entries) return fail(entries.error());
    for (const std::string& name : *entries) {
      auto taken = take(path + '/' + name, what, depth + 1);
      if (!taken) return taken;
    }
    return {};
  }

  std::vector<Leftover> found() && { return std::move(found_); }

 private:
  const Files& files_;
  std::vector<Leftover> found_;
};

Result<bool> lies_on_the_disk(const Files& files, std::string_view path) {
  const auto info = files.look(path);
  if (!info && info.error().why == Why::missing) return false;
  if (!info) return fail(info.error());
  const auto root = files.look("/");
  if (!root) return fail(root.error());
  return info->device == root->device;
}

Result<std::vector<Leftover>> look_for_leftovers(const Files& files, const std::string& cache) {
  Walk walk(files);
  for (const Place& place : places) {
    if (auto taken = walk.take(std::string(place.path), place.what); !taken) return fail(taken.error());
  }
  const auto is_kept = lies_on_the_disk(files, run_place.path);
  if (!is_kept) return fail(is_kept.error());
  if (*is_kept) {
    if (auto taken = walk.take(std::string(run_place.path), run_place.what); !taken)
      return fail(taken.error());
  }
  // Of a cache in a directory; that of drives goes with them.
  auto marker = walk.take(cache + '/' + std::string(names::generation_file), "which cache this is");
  if (!marker) return fail(marker.error());
  return std::move(walk).found();
}

// An empty machine-id, or the word that systemd leaves before the first boot, is what an image should have.
bool is_blank(const Files& files, const std::string& path) {
  const auto text = files.read(path, 4_KiB);
  return text && (trim(*text).empty() || trim(*text) == "uninitialized");
}

std::vector<Reminder> look_for_others(const Files& files) {
  std::vector<Reminder> all;
  for (const Other& other : others) {
    std::string path(other.path);
    if (path.back() == '*') {
      const auto slash = path.rfind('/');
      const std::string start = path.substr(slash + 1, path.size() - slash - 2);
      const auto names = files.list(path.substr(0, slash));
      const bool is_there = names && std::any_of(names->begin(), names->end(), [&](const std::string& name) {
                              return name.starts_with(start);
                            });
      if (is_there) all.push_back({path, std::string(other.says)});
      continue;
    }
    const auto info = files.look(path);
    const bool is_gone = !info && info.error().why == Why::missing;
    const bool points_elsewhere = info && info->kind == Kind::link && path != "/var/lib/cloud/instance";
    if (is_gone || points_elsewhere || is_blank(files, path)) continue;
    all.push_back({path, info ? std::string(other.says) : "it could not be looked at: " + info.error().said});
  }
  return all;
}

void look_for_mounts(const Files& files, const std::string& cache, std::vector<Error>& in_the_way) {
  const auto mounts = facts::read_mounts(files);
  // Nothing is mounted in a root file system without /proc, seen from inside it.
  if (!mounts && mounts.error().why == Why::missing) return;
  if (!mounts) return in_the_way.push_back(mounts.error());
  const auto device = files.read_link(names::cache_link);
  for (const facts::Mount& mount : *mounts) {
    if (mount.where != cache && !(device && mount.what == *device)) continue;
    in_the_way.push_back({Why::refused,
                          "cannot seal this machine: its cache is mounted on '" + mount.where + "'",
                          "end what uses it, then `umount " + mount.where +
                              "`; the drives keep their data, and the image does not know them"});
  }
}

// What sealing stops by itself: the daemon, and what timers start at any moment and loses nothing by an end.
// Sockets and timers first: they would start what was just stopped.
constexpr std::array<std::string_view, 10> stopped{
    "fettle-status.socket", "fettle-control.socket", "fettle-collect.timer",   "fettle-trim.timer",
    "fettle-images.timer",  "fettle-trim.service",   "fettle-collect.service", "fettle-images.service",
    names::engine_unit,     names::daemon_unit};

Result<bool> systemd_runs(const Files& files) {
  return files.exists("/run/systemd/system");
}

void look_for_work(const system::System& system, std::vector<Error>& in_the_way) {
  const auto runs = systemd_runs(system.files);
  if (!runs) return in_the_way.push_back(runs.error());
  if (!*runs) return;
  const auto asked = system.runner.run({{"/usr/bin/systemctl", "list-units", "--output=json",
                                         "--type=service", "--state=activating,deactivating", "fettle*"},
                                        {},
                                        std::chrono::seconds(10)});
  if (!asked) return in_the_way.push_back(while_doing("ask which units are at work", asked.error()));
  boost::system::error_code failure;
  const auto answer = boost::json::parse(asked->out, failure);
  if (asked->exit_code != 0 || failure || !answer.is_array()) {
    in_the_way.push_back({Why::failed,
                          "cannot tell which units are at work: systemctl ended with " +
                              std::to_string(asked->exit_code) + ": " + std::string(trim(asked->err)),
                          "see `systemctl list-units 'fettle*'`"});
    return;
  }
  for (const auto& row : answer.get_array()) {
    const auto* const unit = row.is_object() ? row.get_object().if_contains("unit") : nullptr;
    const std::string name =
        unit != nullptr && unit->is_string() ? std::string(unit->get_string()) : "a unit of ours";
    if (std::find(stopped.begin(), stopped.end(), name) != stopped.end()) continue;
    in_the_way.push_back({Why::refused, "cannot seal this machine: " + name + " is at work",
                          "wait for its end, or `systemctl stop " + name + "`"});
  }
}

}  // namespace

Found look(const system::System& system, const std::string& cache) {
  Found found{look_for_leftovers(system.files, cache), look_for_others(system.files), {}};
  look_for_mounts(system.files, cache, found.in_the_way);
  look_for_work(system, found.in_the_way);
  return found;
}

Result<Plan> plan(const Files& files, const Found& found) {
  if (!found.in_the_way.empty()) {
    Error all = found.in_the_way.front();
    for (std::size_t at = 1; at < found.in_the_way.size(); ++at) all.said += "; " + found.in_the_way[at].said;
    return fail(std::move(all));
  }
  if (!found.leftovers)
    return fail(while_doing("look for what belongs to this machine", found.leftovers.error()));
  const auto runs = systemd_runs(files);
  if (!runs) return fail(runs.error());
  return Plan{*runs ? Systemd::runs : Systemd::absent, *found.leftovers};
}

Result<std::vector<Removed>> apply(const Plan& plan, const system::System& system) {
  if (plan.systemd == Systemd::runs) {
    system::Command stop{{"/usr/bin/systemctl", "stop"}, {}, std::chrono::seconds(120)};
    stop.argv.insert(stop.argv.end(), stopped.begin(), stopped.end());
    const auto done = system.runner.run(stop);
    if (!done) return fail(while_doing("stop fettle's units", done.error()));
    if (done->exit_code != 0) {
      return fail(Why::failed, "cannot stop fettle's units: " + std::string(trim(done->err)),
                  "nothing was removed; see `systemctl status 'fettle*'`");
    }
  }
  std::vector<Removed> all;
  for (const Leftover& leftover : plan.remove) {
    const auto outcome = system.files.remove(leftover.path);
    all.push_back({leftover.path, leftover.what, outcome ? *outcome : Outcome::failed,
                   outcome ? Error{} : outcome.error()});
  }
  return all;
}

}  // namespace fettle::seal
