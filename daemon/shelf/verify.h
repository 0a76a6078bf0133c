// Verify: reads blobs and compares each with its own name. The only door to OpenSSL.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "system/files.h"
#include "system/urgency.h"

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

// How hard to work. For a scrub beside serving: one thread, a rate, and only when nobody else wants the
// drives.
struct Effort {
  unsigned threads = 0;  // 0 = one a core, at most 16
  Bytes rate;            // a second, all threads together; 0 = as fast as it goes
  system::Urgency urgency = system::Urgency::normal;
};

// Hashes on several threads, the largest first: one long file must not be the last. Where the processor can,
// each thread has two files in work at a time. What the page cache did not have is not in it afterwards
// either. Holds 8 MiB a file in work. The first error ends it, within a block of each thread.
Result<void> verify(const system::Files& files, const std::vector<Wanted>& wanted, const Effort& effort,
                    const Listener& listener);

// How long to wait when so much was hashed in so much time at this rate; zero without a rate.
std::chrono::milliseconds pause_of(Bytes hashed, Bytes rate, std::chrono::milliseconds passed);

}  // namespace fettle::shelf
