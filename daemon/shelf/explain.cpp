#include "shelf/explain.h"

#include <array>

namespace fettle::shelf {
namespace {

constexpr std::array all{
    Explanation{"shelf.store", "what the stage workers say of their database below /var/lib/fettle",
                "It remembers which bytes were verified. Without it nothing wrong is served, but everything "
                "is read and hashed again.",
                "When it was set aside, the next staging makes a new one; the old file stays beside it for "
                "a look. When the disk is full or read-only, mend that first."},
    Explanation{"shelf.NAME", "the report that fettle-stage@NAME.service leaves in /run/fettle/shelf",
                "A shelf is ready when every byte of every repository was read back and matches its hash; "
                "less is not ready, however complete the folder looks.",
                "`fettle shelf show NAME` has its state, the reason and when it tries again; `fettle shelf "
                "stage NAME --watch` stages it before your eyes. A refusal (no room, no token, a gated "
                "model) needs you; a failure of the network does not, it is tried again."},
};

}  // namespace

std::span<const Explanation> explanations() {
  return all;
}

}  // namespace fettle::shelf
