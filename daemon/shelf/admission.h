// Admission: does what a whole shelf lacks fit into the cache, before the first byte comes?
#pragma once

#include <optional>
#include <string_view>

#include "shelf/source.h"

namespace fettle::shelf {

struct Need {
  Bytes missing;
  std::uint64_t files = 0;
  Bytes reserve;  // what stays free for others
};

// Refused with its numbers, or nothing when it fits.
std::optional<Stopped> admit(std::string_view shelf, const Need& need, const system::Space& space,
                             const Layout& layout);

}  // namespace fettle::shelf
