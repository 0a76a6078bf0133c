// Does anybody keep this machine's clock right? Asks the kernel, which knows of every way (NTP, PTP, chrony).
#pragma once

#include "base/result.h"

namespace fettle::system {

enum class TimeSync { synchronised, free_running };

// adjtimex(2) without changing anything; needs no right. The kernel forgets after some 12 hours without news.
Result<TimeSync> ask_time_sync();

}  // namespace fettle::system
