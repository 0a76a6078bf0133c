// Cleaning: what of the cache nobody needs any more, and removing just that. A proposal changes nothing; each
// removal is looked at once more when it is carried out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "profile/profile.h"
#include "shelf/inventory.h"
#include "system/system.h"

namespace fettle::shelf {

enum class RemovalKind { ref, revision, unfinished, blob };

struct Removal {
  RemovalKind kind = RemovalKind::blob;
  std::string folder;  // the repository's
  std::string name;    // of the ref, the commit, the blob
  Bytes bytes;         // that it gives back
  std::string why;
};

// What looks removable and stays.
struct Kept {
  std::string path;
  std::string why;
};

struct Cleaning {
  std::vector<Removal> removals;  // in the order in which they are carried out: names first, bytes last
  std::vector<Kept> kept;
  Bytes bytes;
};

// A revision that no ref and no shelf names may still be somebody's pinned commit: only on request.
enum class Detached { keep, remove };

// Unfinished files that nobody works on, blobs that no revision and no shelf needs, and on request revisions
// without a ref. What could not be looked at wholly is kept.
Result<Cleaning> propose_gc(const system::System& system, const profile::Profile& profile, Detached detached);

// What the shelf brought and nothing else needs: its refs, its revisions, their blobs.
Result<Cleaning> propose_removal(const system::System& system, const profile::Profile& profile,
                                 std::string_view shelf);

// Removes what the proposal names, as far as nobody has it open or locked now; gives what was really removed.
// May be killed at any point and run again.
Result<Cleaning> carry_out(const system::System& system, const profile::Profile& profile,
                           const Cleaning& proposal);

// After carry_out of a removal: the worker's records of the shelf.
Result<void> forget_shelf(const system::System& system, std::string_view shelf);

}  // namespace fettle::shelf
