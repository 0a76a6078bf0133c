// Locks between processes: flock on a file, waited for with a bound.
#pragma once

#include <chrono>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::system {

// Makes the file `path` (mode 0600) and its parents when they are missing, and takes the exclusive lock on
// it. Timed_out when somebody else still holds it after `wait`. The lock goes with the descriptor, and with
// the process.
Result<Fd> lock_file(const Files& files, std::string_view path, Clock& clock, std::chrono::milliseconds wait);

// The same for any file: opens `path` with `flags`, and makes no parents.
Result<Fd> lock(const Files& files, std::string_view path, int flags, Clock& clock,
                std::chrono::milliseconds wait);

// The same for a descriptor that is open already; `path` is for the error. Asks every 50 ms.
Result<void> lock(const Fd& fd, std::string_view path, Clock& clock, std::chrono::milliseconds wait);

}  // namespace fettle::system
