// Collected: what `fettle collect` found out as root, in children with deadlines, and left in /run for those
// who may not: whether the cache takes data, what the drives say about themselves, how full each cache is.
//
// Every result carries when it was made and for how long it counts. Missing, malformed and older ones are
// errors here, so that whoever judges them answers `unknown`.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "profile/profile.h"
#include "system/drive.h"
#include "system/files.h"
#include "system/usage.h"
#include "system/write_back.h"

namespace fettle::facts {

struct Stamp {
  std::chrono::system_clock::time_point at{};  // for people
  std::chrono::seconds uptime{0};              // of the node then: unlike the wall clock it never jumps
  std::chrono::seconds valid{0};               // from then on; afterwards nothing is known
};

// The cache written to, synced, read back and compared.
struct CacheTrial {
  Stamp stamp;
  std::string path;
  Result<system::WriteBack> done = fail(Why::missing, "cannot say yet: not looked at");
  // Uptime since when a trial has been hanging in the kernel; no other one is started until it ends.
  std::optional<std::chrono::seconds> hangs_since;
  unsigned members = 1;    // drives of the array, 1 without one
  unsigned reached = 0;    // of them, those that hold a part of what was written; 0 = not known
  std::string generation;  // of the cache's marker; empty when it has none
};

struct DriveTrial {
  std::string serial;
  std::string model;
  std::string name;  // of this boot only
  Result<system::Smart> smart = fail(Why::missing, "cannot say yet: not looked at");
  Result<system::ReadTimes> reads = fail(Why::missing, "cannot say yet: not looked at");
  std::optional<system::ReadTimes> first;  // the same reads when this generation of the cache was new
  std::optional<std::chrono::seconds> hangs_since;  // as above
};

struct DriveTrials {
  Stamp stamp;
  std::vector<DriveTrial> drives;
};

// How much lies in one directory of the cache.
struct DirectoryUsage {
  std::string name;
  Result<system::Usage> now = fail(Why::missing, "cannot say yet: not looked at");
  // By how much it grew since the measurement before, and how long ago that was; nothing at the first one.
  std::optional<std::int64_t> grown_bytes;
  std::chrono::seconds since{0};
};

struct CacheUsage {
  Stamp stamp;
  std::string path;
  std::vector<DirectoryUsage> directories;
  std::optional<std::chrono::seconds> hangs_since;  // as above
};

// The kinds by name: "cache" is /run/fettle/collect/cache.json.
inline constexpr std::string_view cache_kind = "cache";
inline constexpr std::string_view drives_kind = "drives";
inline constexpr std::string_view usage_kind = "usage";

std::string collected_file(std::string_view kind);

// Too old ones are timed_out; `uptime` is the node's now.
Result<CacheTrial> read_cache_trial(const system::Files& files, const Result<std::chrono::seconds>& uptime);
Result<DriveTrials> read_drive_trials(const system::Files& files, const Result<std::chrono::seconds>& uptime);
Result<CacheUsage> read_cache_usage(const system::Files& files, const Result<std::chrono::seconds>& uptime);

// Whatever its age, for the collector itself.
Result<CacheTrial> parse_cache_trial(std::string_view text);
Result<DriveTrials> parse_drive_trials(std::string_view text);
Result<CacheUsage> parse_cache_usage(std::string_view text);

boost::json::object to_json(const CacheTrial& trial);
boost::json::object to_json(const DriveTrials& trials);
boost::json::object to_json(const CacheUsage& usage);

// The parts that a child hands to its parent; each is {"error": {...}} when it failed.
boost::json::object to_json(const Result<system::WriteBack>& done);
boost::json::object to_json(const Result<system::Smart>& smart);
boost::json::object to_json(const Result<system::ReadTimes>& reads);
boost::json::object to_json(const Result<system::Usage>& usage);
Result<system::WriteBack> parse_write_back(const boost::json::value* value);
Result<system::Smart> parse_smart(const boost::json::value* value);
Result<system::ReadTimes> parse_reads(const boost::json::value* value);
Result<system::Usage> parse_usage(const boost::json::value* value);

// The directory of that name, or null.
const DirectoryUsage* find(const CacheUsage& usage, std::string_view name);

// Free space that staging leaves: the reserve of the cache, and of each directory what it does not use yet of
// its own reserve. A directory that was not measured is taken as empty.
Bytes reserve_of(const profile::Profile& profile, const Result<CacheUsage>& usage);

// Nothing when there was one measurement only.
std::optional<std::int64_t> bytes_per_hour(const DirectoryUsage& directory);

// Bytes of each read over its median time.
Bytes rate_of(const system::ReadTimes& reads);

}  // namespace fettle::facts
