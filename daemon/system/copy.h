// Copy: the content of one open file into another; the bytes stay in the kernel where it can do that.
#pragma once

#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace fettle::system {

// Copies from the beginning of `from` to its end into the empty file `to`, and gives how much that was.
// Shares the blocks where both lie on one file system that can (XFS, btrfs), lets the kernel copy where it
// can (NFS 4.2 does it on the server), else reads and writes. `path` is for the error; `tick` is asked after
// each piece and may end it.
Result<Bytes> copy_content(const Fd& from, const Fd& to, std::string_view path,
                           const std::function<Result<void>()>& tick);

}  // namespace fettle::system
