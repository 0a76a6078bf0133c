// What `fettle collect` found in the kernel log of this boot: which rule of the profile matched, on which
// device, how often and when. The lines themselves stay in the kernel log, which not everybody may read.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "facts/collected.h"
#include "profile/profile.h"
#include "system/files.h"

namespace fettle::facts {

// One rule on one device.
struct LogMatch {
  std::string rule;
  std::string device;                               // "0000:27:00.0", "nvme3"; empty = the line names none
  std::uint64_t count = 0;                          // lines
  std::chrono::seconds last_uptime{0};              // of the node at the newest one
  std::chrono::system_clock::time_point last_at{};  // the same for people
};

struct KernelLog {
  Stamp stamp;
  std::string boot_id;     // whose log it is
  std::string rules;       // digest_of() the rules that were looked for
  std::uint64_t next = 0;  // the number of the record where the next look begins
  std::uint64_t lost = 0;  // records of this boot that nobody read: the kernel had dropped them
  std::optional<std::chrono::seconds> lost_uptime;  // when that was last noticed
  bool is_behind = false;                           // there was more than one look takes
  std::optional<Error> error;  // why the newest look saw nothing; the matches are from before it
  std::vector<LogMatch> matches;
};

inline constexpr std::string_view kernel_log_kind = "kernel-log";

// Too old ones are timed_out, as with the other results.
Result<KernelLog> read_kernel_log(const system::Files& files, const Result<std::chrono::seconds>& uptime);

// Whatever its age, for the collector itself.
Result<KernelLog> parse_kernel_log(std::string_view text);
boost::json::object to_json(const KernelLog& log);

// Changes when a rule comes, goes, or matches otherwise: then what was counted before means something else.
std::string digest_of(const std::vector<profile::LogRule>& rules);

}  // namespace fettle::facts
