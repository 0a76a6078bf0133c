// Write-back: does a file system still take data, and give the same data back?
//
// md and statfs go on saying "clean" and "8 TiB free" after a member of an idle RAID-0 died: only data that
// went there and came back tells. It may hang for as long as the drives do, so it runs in a child that nobody
// waits for without a deadline.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::system {

// Where a part of a file lies on the device of its file system.
struct Extent {
  Bytes at;
  Bytes size;
};

struct WriteBack {
  Bytes size;
  std::chrono::microseconds write{0};  // write and fsync together
  std::chrono::microseconds read{0};
  bool direct = false;          // read from the medium; false where the file system has no O_DIRECT
  std::vector<Extent> extents;  // empty where the file system does not tell
};

// Fills the file `path` (mode 0600, made when it is missing, kept for the next time) with `size` bytes of a
// pattern that is new each time, syncs it, reads it back and compares. `size` is rounded up to 4096, at most
// 64 MiB. malformed when other bytes came back. A link in its place is refused.
Result<WriteBack> write_and_read_back(const Files& files, std::string_view path, Bytes size,
                                      const Clock& clock);

}  // namespace fettle::system
