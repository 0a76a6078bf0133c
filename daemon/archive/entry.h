// Entry: one member of a tar, with a name that was looked at before anything is done with it.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace fettle::archive {

enum class EntryKind { file, directory, link };

struct Entry {
  std::string path;  // relative, without "." and "..", without a slash at the end
  EntryKind kind = EntryKind::file;
  Bytes size;
  std::string target;  // of a link, as it is written
};

// malformed for a name that must not become a path: empty, absolute, longer than 4096 bytes, a component that
// is empty,
// "." or ".." or longer than 255 bytes, a control character, a backslash. Also the rule for file names of a
// hub.
Result<void> check_path(std::string_view path);

// malformed unless the link at `path` points, without leaving the first folder of `path`, to something
// relative: "models--a--b/snapshots/c/config.json" may point to "../../blobs/d", never out of "models--a--b".
Result<void> check_link(std::string_view path, std::string_view target);

}  // namespace fettle::archive
