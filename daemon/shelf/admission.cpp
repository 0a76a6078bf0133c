#include "shelf/admission.h"

#include <string>

namespace fettle::shelf {
namespace {

// The files beside a blob: its link, its lock, and some room for directories.
constexpr std::uint64_t inodes_per_file = 3;

Stopped refused(std::string said, const char* hint) {
  return {State::refused, {Why::refused, std::move(said), hint}, {}};
}

}  // namespace

std::optional<Stopped> admit(std::string_view shelf, const Need& need, const system::Space& space,
                             const Layout& layout) {
  const std::string it = "cannot stage '" + std::string(shelf) + "': it needs ";
  const std::string below = " are free below '" + layout.home + "'";
  const std::uint64_t inodes = need.files * inodes_per_file;
  if (need.files == 0) return std::nullopt;
  if (need.missing + need.reserve > space.available) {
    return refused(it + to_text(need.missing) + " and a reserve of " + to_text(need.reserve) + ", but only " +
                       to_text(space.available) + below,
                   "free some space, or take repositories off the shelf");
  }
  if (inodes > space.inodes_available) {
    return refused(
        it + std::to_string(inodes) + " inodes, but only " + std::to_string(space.inodes_available) + below,
        "remove small files from the cache");
  }
  return std::nullopt;
}

}  // namespace fettle::shelf
