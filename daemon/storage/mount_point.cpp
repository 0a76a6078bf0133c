#include "storage/mount_point.h"

#include <algorithm>

#include "base/names.h"
#include "base/text.h"
#include "storage/rival_texts.h"
#include "system/directory.h"
#include "system/mount_point.h"

namespace fettle::storage {
namespace {

bool is_mounted(const std::vector<facts::Mount>& mounts, const std::string& path) {
  return std::any_of(mounts.begin(), mounts.end(),
                     [&](const facts::Mount& mount) { return mount.where == path; });
}

Error refused(const profile::Cache& cache, const std::string& why, std::string advice) {
  return {Why::refused,
          (cache.said_at.empty() ? std::string() : cache.said_at + "  ") +
              "the cache cannot be mounted on '" + cache.path + "': " + why,
          std::move(advice)};
}

std::optional<Error> why_not_there(const profile::Cache& cache, const system::Files& files) {
  for (const std::string& parent : parents_of(cache.path)) {
    const auto info = files.look(parent);
    if (!info && info.error().why == Why::missing) break;
    if (!info) return refused(cache, info.error().said, info.error().hint);
    if (info->kind == system::Kind::directory) continue;
    return refused(cache, "'" + parent + "' on the way there is a link or no directory",
                   "name the path without links");
  }
  const auto info = files.look(cache.path);
  if (!info && info.error().why == Why::missing) return std::nullopt;
  if (!info) return refused(cache, info.error().said, info.error().hint);
  if (info->kind == system::Kind::link)
    return refused(cache, "it is a link", "name the directory that it leads to, or remove the link");
  if (info->kind != system::Kind::directory)
    return refused(cache, "it is no directory", "move it away, or name another place");
  const auto names = files.list(cache.path);
  if (!names) return refused(cache, names.error().said, names.error().hint);
  if (names->empty()) return std::nullopt;
  return refused(cache, "it holds '" + names->front() + "', which the mount would hide",
                 "move away what is in it, or name an empty directory or one that does not exist yet");
}

Result<std::vector<std::string>> read_mount_points(const system::Files& files) {
  const auto text = files.read(mount_point_record, 64_KiB);
  if (!text && text.error().why == Why::missing) return std::vector<std::string>();
  if (!text) return fail(text.error());
  std::vector<std::string> paths;
  for (const std::string_view line : lines(*text)) {
    if (line.starts_with('/')) paths.emplace_back(line);
  }
  return paths;
}

Result<Outcome> write_mount_points(const system::Files& files, const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) text.append(path).append("\n");
  return files.write(mount_point_record, text, 0600);
}

Result<Outcome> take_away(const std::string& path, const system::Files& files) {
  const auto there = files.exists(path);
  if (!there) return fail(there.error());
  if (!*there) return Outcome::already_so;
  // In a captured machine nothing was made immutable.
  if (files.is_the_machine()) {
    if (const auto opened = system::open_mount_point(files, path); !opened) return opened;
  }
  if (const auto removed = system::remove_directory(files, path); !removed) return fail(removed.error());
  return Outcome::changed;
}

}  // namespace

std::vector<std::string> parents_of(const std::string& path) {
  std::vector<std::string> all;
  for (auto at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
    all.push_back(path.substr(0, at));
  return all;
}

bool is_elsewhere(const profile::Cache& cache) {
  return cache.drives && cache.path != names::default_mount;
}

std::optional<Error> why_not_below(const profile::Cache& cache, const std::vector<facts::Mount>& mounts,
                                   const system::Files& files) {
  const std::vector<std::string> parents = parents_of(cache.path);
  const auto is_absent = [&](const std::string& where) {
    return std::find(parents.begin(), parents.end(), where) != parents.end() && !is_mounted(mounts, where);
  };
  for (const Statement& statement : read_statements(files).all) {
    const bool is_a_mount = statement.place == Place::fstab || statement.place == Place::mount_unit;
    if (!is_a_mount || !statement.where || !is_absent(*statement.where)) continue;
    return refused(cache,
                   "'" + *statement.where + "' is a mount of '" + statement.path + "' (line " +
                       std::to_string(statement.line) + ") and is not there now; it would hide the cache",
                   "`mount " + *statement.where + "`, or name a place that is not below it");
  }
  const auto cloud = files.exists("/etc/cloud/cloud.cfg");
  if (is_absent("/mnt") && (!cloud || *cloud)) {
    return refused(cache, "cloud-init mounts the resource disk on '/mnt', and would hide the cache",
                   "name a place that is not below /mnt, such as /data");
  }
  return std::nullopt;
}

std::optional<Error> why_not_mounted_there(const profile::Cache& cache,
                                           const Result<std::vector<facts::Mount>>& mounts,
                                           const system::Files& files) {
  if (!is_elsewhere(cache)) return std::nullopt;
  if (!mounts) return refused(cache, mounts.error().said, mounts.error().hint);
  if (is_mounted(*mounts, cache.path)) return std::nullopt;  // whether that is ours is another question
  if (auto why = why_taken(cache, files)) return why;
  if (auto why = why_not_there(cache, files)) return why;
  return why_not_below(cache, *mounts, files);
}

std::optional<Error> why_taken(const profile::Cache& cache, const system::Files& files) {
  if (!is_elsewhere(cache)) return std::nullopt;
  for (const Statement& statement : read_statements(files).all) {
    const bool is_a_mount = statement.place == Place::fstab || statement.place == Place::mount_unit;
    if (!is_a_mount || statement.where != cache.path) continue;
    return refused(
        cache,
        "'" + statement.path + "' (line " + std::to_string(statement.line) + ") mounts something else there",
        "take that out, or name another place");
  }
  return std::nullopt;
}

Result<Outcome> close_mount_point(const profile::Cache& cache, const system::Files& files) {
  auto known = read_mount_points(files);
  if (!known) return fail(known.error());
  // The record first: a directory that nobody remembers could not be removed by anybody but root's chattr.
  if (std::find(known->begin(), known->end(), cache.path) == known->end()) {
    known->push_back(cache.path);
    if (const auto written = write_mount_points(files, *known); !written) return written;
  }
  // In a captured machine nothing is made immutable: whoever made the tree must be able to remove it.
  if (!files.is_the_machine()) return Outcome::already_so;
  return system::close_mount_point(files, cache.path);
}

Result<std::vector<std::string>> old_mount_points(const std::optional<profile::Cache>& cache,
                                                  const Result<std::vector<facts::Mount>>& mounts,
                                                  const system::Files& files) {
  auto known = read_mount_points(files);
  if (!known) return fail(known.error());
  std::erase_if(*known, [&](const std::string& path) { return cache && cache->path == path; });
  if (known->empty()) return known;
  if (!mounts) return fail(mounts.error());
  std::erase_if(*known, [&](const std::string& path) { return is_mounted(*mounts, path); });
  return known;
}

std::vector<Arranged> remove_mount_points(const std::vector<std::string>& paths, const system::Files& files) {
  std::vector<Arranged> all;
  if (paths.empty()) return all;
  auto known = read_mount_points(files);
  for (const std::string& path : paths) {
    const std::string says = "remove the bare mount point '" + path + "'";
    const auto done = known ? take_away(path, files) : fail(known.error());
    all.push_back(done ? Arranged{says, *done, {}} : Arranged{says, Outcome::failed, done.error()});
    if (done) std::erase(*known, path);
  }
  if (!known) return all;
  if (const auto written = write_mount_points(files, *known); !written)
    all.push_back({"remember the mount points", Outcome::failed, written.error()});
  return all;
}

}  // namespace fettle::storage
