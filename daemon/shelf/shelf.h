// Shelf: what can be done with a shelf that was staged: look at every byte again, and take it elsewhere.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "profile/profile.h"
#include "shelf/manifest.h"
#include "shelf/verify.h"
#include "system/system.h"

namespace fettle::shelf {

// One blob that is not what its name says.
struct Damage {
  std::string repository;
  std::string path;  // the file in the repository; others may share the blob
  std::string blob;
  std::string says;  // "its content is another", "it is missing", "it has 3 B instead of 4 B"
};

struct Verified {
  std::vector<Manifest> manifests;
  std::uint64_t blobs = 0;
  Bytes bytes;
  std::vector<Damage> damages;
};

// Told about ten times a second how much was hashed so far.
using Hashed = std::function<void(Bytes done, Bytes total)>;

// Hashes everything again, whatever is remembered. A damaged blob is forgotten, so that the next `stage`
// fetches it again; nothing is moved or removed. missing when the shelf was never resolved on this node.
Result<Verified> verify_again(const system::System& system, const profile::Profile& profile,
                              std::string_view shelf, const Effort& effort, const Hashed& hashed);

// Writes the shelf as an archive (zstd when the name ends in ".zst") with its list as the first entry.
// refused unless every blob is there and was verified.
Result<std::vector<Manifest>> export_archive(const system::System& system, const profile::Profile& profile,
                                             std::string_view shelf, std::string_view to,
                                             const Hashed& written);

}  // namespace fettle::shelf
