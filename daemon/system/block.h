// Block devices: what is on a drive, is it blank, is it free. Reads only; writes nothing ever.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "system/files.h"

namespace fettle::system {

// What libblkid finds at the start and end of a device.
struct Signature {
  std::string type;   // "xfs", "linux_raid_member", "gpt"; empty = nothing that libblkid knows
  std::string uuid;   // of a RAID member: the array's UUID, as 8-4-4-4-12 lower case hex
  std::string label;  // of a RAID member: the array's name, "any:fettle"
};

// "Could not read" and "more than one signature" are errors, never an empty Signature.
Result<Signature> probe(const Files& files, std::string_view device);

// True when the first and last 16 MiB read as zeros, with O_DIRECT where the device allows it. That covers GPT at both
// ends, md 0.90 to 1.2, ZFS's four labels, LVM, LUKS2 and btrfs' first superblock. A read error is an error.
Result<bool> is_blank(const Files& files, std::string_view device, Bytes size);

// The devices held for us alone: flock on each whole disk, in ascending device number order, so that udev keeps off
// and two provisioners cannot meet. Released when it goes out of scope.
class DriveLocks {
 public:
  // refused when somebody else holds one of them.
  static Result<DriveLocks> take(const Files& files, std::vector<std::string> devices);

 private:
  std::vector<Fd> held_;
};

// refused, with the reason, when the device is in use in a way that the kernel tells (mounted anywhere, member, swap),
// that backs a loop device, or that another process has open. Root only.
Result<void> is_free(const Files& files, std::string_view device);

}  // namespace fettle::system
