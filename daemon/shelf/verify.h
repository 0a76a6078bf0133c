// Verify: reads blobs and compares each with its own name. The only door to OpenSSL.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "system/files.h"

namespace fettle::shelf {

// SHA-256 of the content (a name of 64 hex digits) or git's SHA-1 of "blob SIZE\0content" (40), as lower case
// hex. Follows no link; an error when the file changes while it is read. `hashed` is told the bytes of each
// step and may end it with false.
Result<std::string> digest(const system::Files& files, std::string_view path, std::size_t hex_digits,
                           const std::function<bool(Bytes)>& hashed);

struct Checked {
  std::size_t index = 0;  // in the list that was handed in
  bool same = false;
  system::Info info;  // what was read: device, inode, size, time of change
};

struct Wanted {
  std::string path;
  std::string name;  // what it must hash to
  Bytes size;
};

// What the caller hears, always on the calling thread.
struct Listener {
  std::function<Result<void>(const Checked&)> checked;
  std::function<Result<void>(Bytes hashed)> tick;  // about ten times a second; bytes of all threads so far
};

// Hashes on `threads` threads (0 = one a core, at most 16), in the order of the list: hand in the largest
// first, one long file must not be the last. The page cache is given back after each file. The first error
// ends it.
Result<void> verify(const system::Files& files, const std::vector<Wanted>& wanted, unsigned threads,
                    const Listener& listener);

}  // namespace fettle::shelf
