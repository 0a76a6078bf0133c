// Look: the caches of compiled code on this node, one entry for each place of an image: how large, how old,
// who uses it, and which locks nobody holds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "jit/manifest.h"
#include "profile/profile.h"
#include "system/system.h"

namespace fettle::jit {

// `unknown` = it could not be asked; never taken for idle.
enum class Use { idle, used, unknown };
std::string_view to_text(Use use);

// A file by which one who compiles keeps others away. Killed, it leaves it, and the next one waits for ever.
struct Lock {
  std::string path;
  Use use = Use::unknown;
};

struct Cached {
  std::string cache;  // "aiter"
  std::string key;    // of the image's place; empty where images share it
  std::string path;
  std::optional<Manifest> manifest;  // of an image's place; without one it is not ours
  Bytes bytes;
  std::uint64_t files = 0;
  std::chrono::system_clock::time_point newest{};  // of its files; the epoch without any
  Use use = Use::idle;                             // is a file of it open or mapped by anybody
  std::vector<Lock> locks;
  std::optional<Error> error;  // why it could not be looked at wholly

  // "aiter/0123456789abcdef-gfx942", "triton": what the commands call it.
  std::string name() const { return key.empty() ? cache : cache + "/" + key; }
};

// In the order of the profile; of one cache by key. A directory that is not there yet gives nothing.
std::vector<Cached> look(const system::Files& files, const profile::Profile& profile);

// The one that the commands call so; the error lists all.
Result<Cached> find(const std::vector<Cached>& all, std::string_view name);

// The place of an image that was called so when its code came here; the newest of several. Nothing when there
// is none.
std::optional<Manifest> seeded(const system::Files& files, const profile::Profile& profile,
                               std::string_view image);

// A name that matches one of the directory's patterns.
bool is_lock(const profile::CacheDirectory& directory, std::string_view name);

// Of the GPUs that PCI shows; an error when there is none, or two kinds.
Result<std::string> gfx_of_node(const system::Files& files, const profile::Profile& profile);

}  // namespace fettle::jit
