// Drive: what an NVMe drive says about its own health, and how fast it answers reads. Reads only.
//
// Both may hang for as long as the drive does: they run in a child with a deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::system {

// The SMART / health log (page 02h) of the NVM Express base specification, section 5.16.1.3 in 2.0.
struct Smart {
  unsigned critical_warning = 0;  // bits, see SmartBit
  int temperature_celsius = 0;    // composite
  unsigned spare_percent = 0;     // left
  unsigned spare_threshold_percent = 0;
  unsigned used_percent = 0;  // of the endurance; may be above 100, 255 = more than 254
  Bytes read;
  Bytes written;
  std::uint64_t power_on_hours = 0;
  std::uint64_t unsafe_shutdowns = 0;
  std::uint64_t media_errors = 0;
};

// Bits of critical_warning.
enum class SmartBit : unsigned {
  spare = 1U << 0U,        // available spare is below the threshold
  temperature = 1U << 1U,  // above or below a threshold
  reliability = 1U << 2U,  // degraded by media or internal errors
  read_only = 1U << 3U,
  backup = 1U << 4U,      // of the volatile memory, has failed
  persistent = 1U << 5U,  // persistent memory region is read-only or unreliable
};

// Needs CAP_SYS_ADMIN: denied without. missing when the drive offers no such log.
Result<Smart> read_smart(const Files& files, std::string_view device);

// The 512 bytes of the log page.
Result<Smart> parse_smart(std::string_view page);

struct ReadTimes {
  unsigned count = 0;  // reads of `size`, one after the other
  Bytes size;
  std::chrono::microseconds median{0};
  std::chrono::microseconds slowest{0};
};

// Reads past the page cache at places spread evenly over the device, the same on every device of that size.
Result<ReadTimes> time_reads(const Files& files, std::string_view device, Bytes device_size,
                             const Clock& clock);

}  // namespace fettle::system
