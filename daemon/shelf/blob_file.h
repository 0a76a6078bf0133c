// BlobFile: the file behind a blob. Mostly its own; or an entry of the store beside the repositories,
// hub/blobs, into which clients since 1.3x put what comes by xet, and then the blob is a link. The store is
// the client's: it is read and never changed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "system/directory.h"
#include "system/files.h"

namespace fettle::shelf {

// "../../blobs/ab/ab…" gives "ab…"; nothing when the link leads anywhere else.
std::optional<std::string> store_entry(std::string_view link_target);

// What the client's store has under this name, looked up below the open hub; no link on the way is followed.
Result<system::Info> look_at_entry(const system::Directory& hub, std::string_view entry);

struct BlobFile {
  std::string path;   // to read from
  system::Info info;  // a link when it leads nowhere, or anywhere but into the store
  std::string entry;  // of the store; empty when the file is the repository's own
  bool is_file() const { return info.kind == system::Kind::file; }
  // Another user than its owner can load it. The client closes the store when the cache is closed.
  bool is_readable_by_all() const { return entry.empty() || (info.mode & 0004U) != 0; }
};

// missing when there is nothing of this name.
Result<BlobFile> look_at_blob(const system::Files& files, std::string_view hub, std::string_view repository,
                              std::string_view blob);

}  // namespace fettle::shelf
