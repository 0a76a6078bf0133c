// Looking at places; places_plan.cpp decides and acts.
#include "storage/places.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "storage/cache.h"
#include "storage/mount_point.h"
#include "storage/places_record.h"

namespace fettle::storage {
namespace {

Result<std::string> home_of(const std::string& user, const system::Files& files) {
  const auto text = files.read("/etc/passwd", 4_MiB);
  if (!text) return fail(text.error());
  for (const std::string_view line : lines(*text)) {
    const auto fields = split(line, ':');
    if (fields.size() >= 6 && fields[0] == user && fields[5].starts_with('/')) return std::string(fields[5]);
  }
  return fail(Why::missing, "cannot find the home directory of '" + user + "' in '/etc/passwd'",
              "name a user of this machine, or the whole path");
}

class Looking {
 public:
  Looking(const profile::Profile& profile, const Result<std::vector<facts::Mount>>& mounts,
          const system::Files& files)
      : profile_(profile), mounts_(mounts), files_(files) {}

  SeenPlace look(const profile::CachePlace& wanted) const {
    SeenPlace seen;
    seen.wanted = wanted;
    seen.path = wanted.path;
    for (const profile::CacheDirectory& directory : profile_.caches) {
      if (profile_.cache && directory.name == wanted.cache)
        seen.target = profile_.cache->path + "/" + directory.name;
    }
    if (wanted.path.starts_with('~')) {
      profile::CacheDirectory of_user;
      of_user.owner = wanted.user;
      const auto owner = owner_of(of_user, files_);
      const auto home = owner ? home_of(wanted.user, files_) : fail(owner.error());
      if (!home) {
        seen.at = fail(home.error());
        return seen;
      }
      seen.owner = *owner;
      seen.path = *home + wanted.path.substr(1);
    }
    look_on_the_way(seen);
    seen.at = what_is_there(seen);
    return seen;
  }

 private:
  void look_on_the_way(SeenPlace& seen) const {
    for (const std::string& parent : parents_of(seen.path)) {
      const auto info = files_.look(parent);
      if (!info && info.error().why == Why::missing) {
        seen.missing.push_back(parent);
      } else if (!info || info->kind != system::Kind::directory) {
        seen.detour = parent;
        return;
      }
    }
  }

  Result<At> what_is_there(SeenPlace& seen) const {
    if (!mounts_) return fail(mounts_.error());
    for (const facts::Mount& mount : *mounts_) {
      if (mount.where == seen.path) seen.detail = mount.what;
    }
    if (!seen.detail.empty()) return At::mount;
    const auto info = files_.look(seen.path);
    if (!info && info.error().why == Why::missing) return At::nothing;
    if (!info) return fail(info.error());
    if (info->kind == system::Kind::link) {
      const auto target = files_.read_link(seen.path);
      if (!target) return fail(target.error());
      seen.detail = *target;
      return At::link;
    }
    if (info->kind != system::Kind::directory) return At::something_else;
    const auto names = files_.list(seen.path);
    if (!names) return fail(names.error());
    if (names->empty()) return At::empty_directory;
    seen.detail = names->front();
    return At::full_directory;
  }

  const profile::Profile& profile_;
  const Result<std::vector<facts::Mount>>& mounts_;
  const system::Files& files_;
};

FoundUnitFiles look_for_units(const system::Files& files) {
  FoundUnitFiles found;
  const auto see = [&](const std::string& path) {
    auto text = files.read(path, 64_KiB);
    if (text || text.error().why != Why::missing) found.emplace(path, std::move(text));
  };
  see(std::string(places_drop_in));
  const auto names = files.list(unit_directory);
  if (!names) return found;
  for (const std::string& name : *names) {
    if (name.ends_with(".mount")) see(std::string(unit_directory) + "/" + name);
  }
  return found;
}

}  // namespace

SeenPlaces look_for_places(const std::vector<profile::CachePlace>& wanted, const profile::Profile& profile,
                           const Result<std::vector<facts::Mount>>& mounts, const system::Files& files) {
  SeenPlaces seen{{}, look_for_units(files), read_made_links(files), {}};
  const Looking looking(profile, mounts, files);
  for (const profile::CachePlace& place : wanted) seen.places.push_back(looking.look(place));
  if (!seen.made) return seen;
  for (const MadeLink& link : *seen.made) {
    const auto target = files.read_link(link.path);
    if (target && *target == link.target) seen.standing.push_back(link);
  }
  return seen;
}

}  // namespace fettle::storage
