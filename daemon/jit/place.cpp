#include "jit/place.h"

#include <fcntl.h>

#include <chrono>

#include "profile/compiled.h"
#include "system/lock.h"

namespace fettle::jit {

bool is_place_of_images(const profile::CacheDirectory& directory) {
  return directory.compiled == profile::Compiled::by_image && directory.file.empty();
}

Result<const profile::CacheDirectory*> find_directory(const profile::Profile& profile,
                                                      std::string_view name) {
  std::string known;
  for (const profile::CacheDirectory& each : profile.caches) {
    if (each.compiled == profile::Compiled::no) continue;
    if (each.name == name) return &each;
    known += (known.empty() ? "" : ", ") + each.name;
  }
  return fail(Why::missing,
              "cannot find a cache of compiled code called '" + std::string(name.substr(0, 64)) + "'",
              known.empty() ? "the profile has none: 'compiled' of an entry of 'caches' makes one"
                            : "the profile has " + known);
}

Result<Fd> claim_directory(const system::System& system, const std::string& path) {
  auto fd = system.files.open_at(path, O_RDONLY | O_DIRECTORY);
  if (!fd) return fd;
  if (auto locked = system::lock(*fd, path, system.clock, std::chrono::seconds(1)); !locked)
    return fail(locked.error());
  return fd;
}

Result<Place> Place::claim(const system::System& system, const profile::Profile& profile,
                           const profile::CacheDirectory& directory, std::string_view image,
                           std::string_view gfx) {
  if (!profile.cache) return fail(Why::missing, "cannot keep compiled code: the profile wants no cache", {});
  const std::string parent = profile.cache->path + "/" + directory.name;
  auto lock = claim_directory(system, parent);
  if (!lock) {
    Error error = lock.error();
    if (error.why == Why::missing) error.hint = "`fettle apply` makes the directories of the cache";
    return fail(std::move(error));
  }
  std::string path = parent;
  if (!image.empty()) {
    path = profile::compiled_place(*profile.cache, directory, profile::image_key(image, gfx), {});
    const auto there = system.files.exists(path);
    if (!there) return fail(there.error());
    if (*there) {
      return fail(
          Why::refused, "cannot fill '" + path + "': it is there already",
          "`fettle jit prune " + path.substr(profile.cache->path.size() + 1) + " --apply` removes it first");
    }
  }
  return Place(system.files, std::move(*lock), parent, path, directory.mode);
}

Result<void> Place::put(const std::string& staged, Manifest manifest) const {
  const auto written = files_->write(staged + "/" + std::string(manifest_file), to_json(manifest), 0644);
  if (!written) return fail(written.error());
  if (auto changed = files_->set_mode(staged, mode_); !changed) return fail(changed.error());
  return files_->rename(staged, path_);
}

}  // namespace fettle::jit
