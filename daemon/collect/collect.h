// Collect: what takes root's rights, or may hang, to find out; for the daemon, which has no rights and must
// never hang. The results lie in /run/fettle/collect, one file a kind (facts/collected.h).
//
// Nothing here touches the cache or a drive itself: children do, each with a deadline, and one that hangs in
// the kernel is recorded and left behind.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "facts/facts.h"
#include "system/system.h"

namespace fettle::collect {

using namespace std::chrono_literals;

// How often each kind is due. Results count for three times as long, then they are unknown.
inline constexpr std::chrono::seconds clock_interval = 5min;
inline constexpr std::chrono::seconds cache_interval = 5min;
inline constexpr std::chrono::seconds drives_interval = 15min;
inline constexpr std::chrono::seconds usage_interval = 1h;
// The kernel log is looked at in every run: what came meanwhile is soon read, and soon overwritten.
inline constexpr std::chrono::seconds kernel_log_interval = 5min;
inline constexpr std::chrono::seconds programs_interval = 5min;

// An NVMe drive is given up by the kernel after 30 s; a cache that takes longer is no cache.
inline constexpr std::chrono::seconds cache_deadline = 30s;
inline constexpr std::chrono::seconds drive_deadline = 20s;
inline constexpr std::chrono::seconds usage_deadline =
    90s;  // of one directory; counting itself ends after 60 s
inline constexpr std::chrono::seconds programs_deadline = 10s;  // reading some 64 small files of /proc

enum class When { due, now };

// What a run is about.
struct Wish {
  std::string cache;                        // its path; empty = none is wanted
  bool is_on_drives = false;                // then it has to be mounted, or nothing is written
  std::vector<std::string> directories;     // of the cache, whose use is measured
  std::vector<facts::Drive> drives;         // those whose health counts
  std::string generation;                   // of the cache, as provisioning reported it; empty = not known
  std::vector<profile::LogRule> log_rules;  // empty = nobody asks for the kernel log
  std::vector<std::string> variables;       // of programs that use a GPU; empty = nobody asks for them
  When when = When::due;
};

// What was looked at, for the journal.
struct Looked {
  std::string what;  // "the cache '/srv/fettle'", "Microsoft NVMe Direct Disk v2 SN0001 (nvme0n1)"
  std::string says;  // "4.0 MiB written in 12 ms …"; empty when it failed
  std::optional<Error> error;
};

// timed_out when another run is under way; denied when the results cannot be written. What a single trial
// came to is in its result, never an error here. Empty when nothing was due.
Result<std::vector<Looked>> collect(const system::System& system, const facts::Facts& facts,
                                    const Wish& wish);

// Which members of a RAID-0 hold a part of the extents: the number of different ones.
unsigned members_reached(const std::vector<system::Extent>& extents, unsigned members, Bytes chunk);

}  // namespace fettle::collect
