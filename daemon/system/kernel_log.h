// Kernel log: the records that the kernel keeps in memory, one after the other, with the number that each
// has.
//
// /dev/kmsg is read without ever waiting. On a captured machine it is a plain file of the same records.
// Anybody may send text to that log; such records carry another facility than the kernel's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "system/files.h"

namespace fettle::system {

struct KernelRecord {
  std::uint64_t sequence = 0;
  std::chrono::microseconds since_boot{0};
  bool is_of_kernel = false;  // and not of a program that writes to the log
  std::string_view message;   // as it came: nothing to print without care
  std::string_view device;    // "+pci:0000:27:00.0"; empty when the record names none
};

// A message that is longer is cut before anybody sees it.
inline constexpr std::size_t longest_message = 2048;

// What a walk over the log came to.
struct KernelLogWalk {
  std::uint64_t next = 0;   // the number of the record after the last one
  std::uint64_t lost = 0;   // records from `from` on that the kernel had dropped, or that make no sense
  bool reached_end = true;  // false: there was more than one walk takes
};

// Visits each record from number `from` on. A log that the kernel began anew (numbers below `from` only) is
// an error `malformed`: whoever remembers a position has to begin anew too.
Result<KernelLogWalk> walk_kernel_log(const Files& files, std::uint64_t from,
                                      const std::function<void(const KernelRecord&)>& visit);

// One record as /dev/kmsg gives it, or nothing when it is none.
std::optional<KernelRecord> parse_kernel_record(std::string_view text);

}  // namespace fettle::system
