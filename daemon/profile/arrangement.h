// Arrangement: what else of the machine is to use the cache: which services wait for it, and which
// conventional places lead onto it. Only the configuration says so, because it is about this node and not
// about its kind; loaded apart, as few need it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "profile/complaint.h"
#include "system/files.h"

namespace fettle::profile {

// A service that keeps its data on the cache and must not start without it.
enum class Consumer { docker, containerd, kubelet, podman };
std::string_view to_text(Consumer consumer);

// A bind mount follows the cache and is seen by everybody; a link is seen by programs that follow links.
enum class PlaceAs { bind, link };

struct CachePlace {
  std::string path;   // absolute, or "~/…" of `user`
  std::string user;   // whose home "~" is; empty otherwise
  std::string cache;  // name of a cache directory
  PlaceAs as = PlaceAs::bind;
};

struct Arrangement {
  std::vector<Consumer> consumers;  // each once
  std::vector<CachePlace> places;   // each path once
};

struct LoadedArrangement {
  std::optional<Arrangement> arrangement;  // only when there is no complaint
  Complaints complaints;                   // of the configuration file alone
};

LoadedArrangement load_arrangement(const system::Files& files,
                                   std::string_view config_file = names::config_file);

}  // namespace fettle::profile
