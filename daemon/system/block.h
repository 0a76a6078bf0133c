// Block devices: what is on a drive, is it blank, is it free. Reads only; writes nothing ever.
//
// Devices are given as paths below /dev. In a test machine they are sparse files: everything here works on
// those too.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::system {

// What libblkid finds at the start and end of a device.
struct Signature {
  std::string type;   // "xfs", "linux_raid_member", "gpt"; empty = nothing that libblkid knows
  std::string uuid;   // of a RAID member: the array's UUID, as 8-4-4-4-12 lower case hex
  std::string label;  // of a RAID member: the array's name, "any:fettle"
};

// "Could not read" and "more than one signature" are errors (the latter malformed), never an empty Signature.
// A GPT of which only the backup at the end is left counts as one.
Result<Signature> probe(const Files& files, std::string_view device);

// True when the first and last 16 MiB and samples in between read as zeros, with O_DIRECT where the device
// allows it. That covers GPT at both ends, md 0.90 to 1.2, ZFS's four labels, LVM, LUKS2 and btrfs. A read
// error is an error; so is a device that is not `size` long.
Result<bool> is_blank(const Files& files, std::string_view device, Bytes size);

// The ranges that is_blank() reads of a device of `size` bytes: [from, to) each. What makes a drive blank
// writes zeros there.
std::vector<std::pair<std::uint64_t, std::uint64_t>> looked_at_places(std::uint64_t size);

// True for an XFS whose mkfs was cut off before its last write: the kernel refuses to mount it, so nobody has
// data there.
Result<bool> is_unfinished_xfs(const Files& files, std::string_view device);

// The devices held for us alone: flock on each whole disk, in ascending device number order, so that udev
// keeps off and two provisioners cannot meet. Released when it goes out of scope; udev then looks at the
// drives again.
class DriveLocks {
 public:
  // timed_out when somebody else still holds one of them after `wait`: udev does so for a moment after a
  // drive appears.
  static Result<DriveLocks> take(const Files& files, std::vector<std::string> devices, Clock& clock,
                                 std::chrono::milliseconds wait);

 private:
  std::vector<Fd> held_;
};

// refused, with the reason, when the device is in use in a way that the kernel tells (mounted anywhere,
// member, swap) or backs a loop device; timed_out when another process has it open. Root only: who may not
// look into other processes gets an error.
Result<void> is_free(const Files& files, std::string_view device);

// The same; a process that has it open may only look, as fettle's own collector, smartctl and udev do, and be
// gone in a moment: it is waited for.
Result<void> wait_until_free(const Files& files, std::string_view device, Clock& clock,
                             std::chrono::milliseconds wait);

}  // namespace fettle::system
