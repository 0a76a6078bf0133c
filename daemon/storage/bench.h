// Bench: a short measurement of the cache and of each of its drives, against the first one of this
// generation: which drive makes the others wait.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "facts/facts.h"
#include "profile/profile.h"
#include "storage/report.h"
#include "system/system.h"
#include "system/throughput.h"

namespace fettle::storage {

struct DriveSpeed {
  facts::Drive drive;
  Result<system::Transfer> reads = fail(Why::missing, "cannot say yet: not measured");
  std::optional<Bytes> first;  // a second's worth, when this cache was first measured
  std::string slow;            // against whom, in words; empty when it is not
};

struct Bench {
  std::string path;
  system::FileSpeed cache;
  std::optional<Bytes> first_write;  // a second's worth, as above
  std::optional<Bytes> first_read;
  std::vector<DriveSpeed> drives;  // by serial; empty in directory mode
  std::optional<Error> not_kept;   // why this first measurement could not be kept
};

// How much is written and read in which time, for each phase and each drive.
inline constexpr system::Bound cache_bound{8_GiB, std::chrono::seconds(5)};
inline constexpr system::Bound drive_bound{1_GiB, std::chrono::seconds(2)};
inline constexpr Bytes least_room{1ULL << 30U};  // less tells nothing about eight drives

// Refused when the cache is not mounted, or has no room beside its reserves. A drive that cannot be read is
// in the result. The first measurement of a generation is kept and compared with from then on.
Result<Bench> bench(const profile::Profile& profile, const facts::Facts& facts, const Result<Report>& report,
                    const system::System& system);

// Marks those that are `factor` times as slow as the median of their siblings, or as they were at first.
void mark_slow(std::vector<DriveSpeed>& drives, unsigned factor);

boost::json::object to_json(const Bench& bench);

}  // namespace fettle::storage
