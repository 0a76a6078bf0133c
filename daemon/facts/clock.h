// Whether the clock is kept right, as the collector asked the kernel: adjtimex(2) is shut to a service with
// ProtectClock=, which the daemon has.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>

#include "facts/collected.h"
#include "system/time_sync.h"

namespace fettle::facts {

struct ClockTrial {
  Stamp stamp;
  Result<system::TimeSync> sync = fail(Why::missing, "cannot say yet: not looked at");
};

inline constexpr std::string_view clock_kind = "clock";

// Too old ones are timed_out; `uptime` is the node's now.
Result<ClockTrial> read_clock_trial(const system::Files& files, const Result<std::chrono::seconds>& uptime);

// Whatever its age, for the collector itself.
Result<ClockTrial> parse_clock_trial(std::string_view text);

boost::json::object to_json(const ClockTrial& trial);

}  // namespace fettle::facts
