#include "storage/cache.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <ctime>

#include "base/json.h"
#include "base/names.h"
#include "base/text.h"
#include "base/utc.h"
#include "storage/quota.h"
#include "storage/report.h"
#include "system/random.h"

namespace fettle::storage {
namespace {

// The line of passwd or group that begins with `name`, in its fields; empty when there is none.
std::vector<std::string_view> entry_of(std::string_view text, std::string_view name) {
  for (const std::string_view line : lines(text)) {
    auto fields = split(line, ':');
    if (fields.size() >= 3 && fields[0] == name) return fields;
  }
  return {};
}

// What follows the name: of passwd the user id and its group id, of group the group id.
Result<std::vector<unsigned>> ids_of(const system::Files& files, std::string_view file,
                                     const std::string& name, std::string_view kind, std::size_t count) {
  const auto text = files.read(file, 4_MiB);
  const auto entry = text ? entry_of(*text, name) : std::vector<std::string_view>();
  if (entry.empty()) {
    return fail(Why::missing,
                "cannot find the " + std::string(kind) + " '" + name + "' in '" + std::string(file) + "'",
                "make it, or name another one in the profile; `systemd-sysusers` makes those of the package");
  }
  std::vector<unsigned> ids;
  for (std::size_t i = 2; i < 2 + count; ++i) {
    const auto id = i < entry.size() ? to_number<unsigned>(entry[i]) : std::nullopt;
    if (!id) {
      return fail(Why::malformed, "cannot read the " + std::string(kind) + " '" + name + "' in '" +
                                      std::string(file) + "': its line has no number where one belongs");
    }
    ids.push_back(*id);
  }
  return ids;
}

std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

struct Marker {
  std::string id;
  std::vector<std::string> serials;
};

Result<Marker> read_marker(const system::Files& files, const std::string& path) {
  const auto text = files.read(path, 256_KiB);
  if (!text) return fail(text.error());
  const auto json = parse_json(*text, "the generation marker '" + path + "'");
  if (!json) return fail(json.error());
  Marker marker{json_text(*json, "id"), {}};
  if (marker.id.empty()) {
    return fail(Why::malformed, "cannot use the generation marker '" + path + "': it has no id",
                "remove it when you know where this file system comes from; a new one is written then");
  }
  return marker;
}

class Preparation {
 public:
  Preparation(const profile::Profile& profile, const facts::Facts& facts, const system::System& system)
      : profile_(profile), cache_(*profile.cache), facts_(facts), system_(system) {}

  Prepared run() && {
    if (cache_.drives) {
      if (!did("find the cache mounted on '" + cache_.path + "'", is_mounted_here()))
        return std::move(prepared_);
    } else if (const auto there = system_.files.exists(cache_.path); !there || !*there) {
      // Only when it is missing: the mode of a directory that somebody else made is theirs.
      if (!did("make the cache directory '" + cache_.path + "'",
               system_.files.make_directory(cache_.path, 0755))) {
        return std::move(prepared_);
      }
    }
    if (!did("mark the generation of the cache", mark())) return std::move(prepared_);
    for (const profile::CacheDirectory& directory : profile_.caches) {
      did("make the directory '" + cache_.path + "/" + directory.name + "'", make(directory));
    }
    // A captured machine's directories are not on its drives.
    if (system_.files.is_the_machine()) set_quotas();
    return std::move(prepared_);
  }

 private:
  bool did(std::string says, const Result<Outcome>& outcome) {
    if (!outcome) {
      prepared_.steps.push_back(
          {says, outcome.error().why == Why::refused ? Outcome::refused : Outcome::failed});
      if (!prepared_.error) prepared_.error = outcome.error();
      return false;
    }
    prepared_.steps.push_back({std::move(says), *outcome});
    return true;
  }

  // Without its quota a directory is as good as with it.
  void set_quotas() {
    const QuotaPlan plan = plan_quotas(look_at_quotas(profile_, system_.files));
    for (Applied& step : storage::apply(plan, system_.files, prepared_.warnings))
      prepared_.steps.push_back(std::move(step));
  }

  Result<Outcome> is_mounted_here() {
    const auto mounted = is_mounted(cache_, facts_, system_.files);
    if (!mounted) return fail(mounted.error());
    return Outcome::already_so;
  }

  Result<Outcome> mark() {
    const std::string path = cache_.path + "/" + std::string(names::generation_file);
    auto marker = read_marker(system_.files, path);
    if (!marker && marker.error().why != Why::missing) return fail(marker.error());
    Record record;
    if (cache_.drives) {
      auto known = read_record(system_.files);
      if (!known) return fail(known.error());
      record = std::move(*known);
    }
    const bool is_known = !record.generation.empty();
    if (marker && is_known && marker->id != record.generation) {
      return fail(Why::refused,
                  "cannot use the cache: its marker says generation " + marker->id + ", the storage record " +
                      record.generation,
                  "somebody mounted another file system, or restored a file of another node: compare '" +
                      path + "' with '" + std::string(names::storage_record) + "'");
    }
    if (marker) {
      prepared_.generation = marker->id;
    } else if (is_known) {
      prepared_.generation = record.generation;
    } else {
      const auto fresh = system::random_uuid();
      if (!fresh) return fail(fresh.error());
      prepared_.generation = *fresh;
    }
    Outcome outcome = Outcome::already_so;
    if (!marker) {
      boost::json::array serials;
      for (const RecordedDrive& drive : record.drives) serials.emplace_back(drive.serial);
      const auto written = system_.files.write(path,
                                               pretty_json({{"id", prepared_.generation},
                                                            {"created", utc_text(system_.clock.now())},
                                                            {"drives", serials}}),
                                               0644);
      if (!written) return written;
      outcome = *written;
    }
    // An adopted cache: from now on we know which one it was.
    if (cache_.drives && !is_known) {
      record.generation = prepared_.generation;
      const auto written = write_record(system_.files, record);
      if (!written) return written;
      outcome = *written;
    }
    return outcome;
  }

  Result<Outcome> make(const profile::CacheDirectory& directory) {
    const std::string path = cache_.path + "/" + directory.name;
    // Others may write below the cache: nothing of theirs may lead root's chown elsewhere.
    if (directory.name.empty() || directory.name.front() == '.' ||
        directory.name.find('/') != std::string::npos) {
      return fail(Why::refused,
                  "cannot make the cache directory '" + directory.name + "': that is no plain name",
                  "give a name without '/' that does not begin with a dot");
    }
    // A captured machine's users are not those of the machine it lies on, and who works on it is seldom root.
    if (!system_.files.is_the_machine()) return system_.files.make_directory(path, directory.mode);
    const auto owner = owner_of(directory, system_.files);
    if (!owner) return fail(owner.error());
    return system_.files.make_directory(path, directory.mode, *owner);
  }

  const profile::Profile& profile_;
  const profile::Cache& cache_;
  const facts::Facts& facts_;
  const system::System& system_;
  Prepared prepared_;
};

}  // namespace

Result<system::Owner> owner_of(const profile::CacheDirectory& directory, const system::Files& files) {
  system::Owner owner{0, 0};
  if (!directory.owner.empty() && directory.owner != "root") {
    const auto ids = ids_of(files, "/etc/passwd", directory.owner, "user", 2);
    if (!ids) return fail(ids.error());
    owner = {(*ids)[0], (*ids)[1]};
  }
  if (!directory.group.empty() && directory.group != "root") {
    const auto ids = ids_of(files, "/etc/group", directory.group, "group", 1);
    if (!ids) return fail(ids.error());
    owner.gid = (*ids)[0];
  } else if (directory.group == "root") {
    owner.gid = 0;
  }
  return owner;
}

Result<void> is_mounted(const profile::Cache& cache, const facts::Facts& facts, const system::Files& files) {
  const auto refused = [&](const std::string& what) {
    return fail(Why::refused, "cannot use '" + cache.path + "' as the cache: " + what,
                "nothing is written there. Look at `systemctl status fettle-provision.service`");
  };
  // Could not look is as good as not mounted here, with the reason.
  if (!facts.mounts) return refused(facts.mounts.error().said);
  const auto target = files.read_link(names::cache_link);
  if (!target) return refused("provisioning set no link '" + std::string(names::cache_link) + "'");
  // The last mount on a path is the one that is seen.
  const facts::Mount* mount = nullptr;
  for (const facts::Mount& candidate : *facts.mounts) {
    if (candidate.where == cache.path) mount = &candidate;
  }
  if (mount == nullptr) return refused("nothing is mounted there");
  const auto device = files.look_through(names::cache_link);
  if (!device) return refused(device.error().said);
  const std::string number =
      std::to_string(gnu_dev_major(device->node)) + ":" + std::to_string(gnu_dev_minor(device->node));
  const bool is_node = device->kind == system::Kind::block_device;
  if (is_node ? mount->device != number : mount->what != *target) {
    return refused("'" + mount->what + "' is mounted there, not '" + *target + "'");
  }
  // mountinfo is a text of a moment; what counts is where a file would land.
  if (files.is_the_machine()) {
    const auto inside = files.look(cache.path);
    const auto outside = files.look(parent_of(cache.path));
    if (!inside) return refused(inside.error().said);
    if (!outside) return refused(outside.error().said);
    if (inside->device == outside->device || (is_node && inside->device != device->node)) {
      return refused("it lies on the file system of its parent directory");
    }
  }
  return {};
}

Prepared prepare_cache(const profile::Profile& profile, const facts::Facts& facts,
                       const system::System& system) {
  if (!profile.cache) return {};
  return Preparation(profile, facts, system).run();
}

}  // namespace fettle::storage
