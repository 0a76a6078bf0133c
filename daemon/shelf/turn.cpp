#include "shelf/turn.h"

#include <algorithm>
#include <string>

#include "base/text.h"
#include "facts/readers.h"

namespace fettle::shelf {
namespace {

using std::chrono::seconds;

// FNV-1a, 64 bits: spreads well, and is the same in every version of this program.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

}  // namespace

seconds turn_of(const system::Files& files, const profile::Shelf& shelf) {
  const auto id = files.read("/etc/machine-id", 4_KiB);
  if (!id || trim(*id).empty() || shelf.jitter_seconds == 0) return seconds(0);
  return seconds(hash_of(std::string(trim(*id)) + "/" + shelf.name) % shelf.jitter_seconds);
}

seconds until_turn(const system::Files& files, const profile::Shelf& shelf) {
  const auto uptime = facts::read_uptime(files);
  return uptime ? std::max(seconds(0), turn_of(files, shelf) - *uptime) : seconds(0);
}

}  // namespace fettle::shelf
