// Locks between processes: flock on a file, waited for with a bound.
#pragma once

#include <chrono>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::system {

// Opens `path` with `flags` (O_CREAT makes it with mode 0600) and takes the exclusive lock, asking again every 50 ms.
// timed_out when somebody else still holds it after `wait`. The lock goes with the descriptor, and with the process.
Result<Fd> lock(const Files& files, std::string_view path, int flags, Clock& clock, std::chrono::milliseconds wait);

}  // namespace fettle::system
