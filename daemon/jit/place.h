// Place: where the compiled code of one image goes, claimed so that no second process fills it meanwhile.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "jit/manifest.h"
#include "profile/profile.h"
#include "system/system.h"

namespace fettle::jit {

// Each image has a directory in it.
bool is_place_of_images(const profile::CacheDirectory& directory);

// The profile's cache of compiled code of this name; the error lists all.
Result<const profile::CacheDirectory*> find_directory(const profile::Profile& profile, std::string_view name);

// An exclusive lock on a directory of the cache, waited for at most a second: one at a time fills or empties
// it.
Result<Fd> claim_directory(const system::System& system, const std::string& path);

class Place {
 public:
  // Of an image's digest on a kind of GPU; without an image the directory that images share. refused when the
  // image has one already, timed_out when somebody else is at work there.
  static Result<Place> claim(const system::System& system, const profile::Profile& profile,
                             const profile::CacheDirectory& directory, std::string_view image,
                             std::string_view gfx);

  const std::string& parent() const { return parent_; }
  const std::string& path() const { return path_; }

  // Moves a directory of the same file system there in one step, with its manifest in it.
  Result<void> put(const std::string& staged, Manifest manifest) const;

 private:
  Place(const system::Files& files, Fd lock, std::string parent, std::string path, mode_t mode)
      : files_(&files),
        lock_(std::move(lock)),
        parent_(std::move(parent)),
        path_(std::move(path)),
        mode_(mode) {}

  const system::Files* files_;
  Fd lock_;  // held until the end
  std::string parent_;
  std::string path_;
  mode_t mode_;
};

}  // namespace fettle::jit
