// Throughput: how fast a directory's file system takes and gives data, and a device gives it, one large
// request after the other. Bounded in bytes and in time; past the page cache where the file system allows it.
//
// The file has no name: whatever ends the run, nothing is left of it.
#pragma once

#include <chrono>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::system {

struct Bound {
  Bytes size;                         // at most so much
  std::chrono::milliseconds longest;  // and not for longer, of each phase
};

struct Transfer {
  Bytes size;
  std::chrono::microseconds took{0};
};

// A second's worth of it.
Bytes rate_of(const Transfer& transfer);

struct FileSpeed {
  Transfer write;                     // with the sync at its end
  Transfer read;                      // of what was written
  std::chrono::microseconds sync{0};  // median of small writes, each synced
  bool direct = false;                // false where the file system has no O_DIRECT: then memory was read
};

Result<FileSpeed> measure_directory(const Files& files, std::string_view directory, const Bound& bound,
                                    const Clock& clock);

// Reads only, from the start of the device.
Result<Transfer> measure_device(const Files& files, std::string_view device, Bytes device_size,
                                const Bound& bound, const Clock& clock);

}  // namespace fettle::system
