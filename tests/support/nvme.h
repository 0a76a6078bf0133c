// Drives, arrays, mounts and swap for a test machine: no captured machine has NVMe drives, so these are
// built.
//
// The layout is that of a kernel: /sys/block/NAME is a link into /sys/devices, model and serial are padded
// with spaces, sizes count 512-byte units, holders and slaves are links. /dev/NAME is a sparse file of the
// drive's size.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/tree.h"

namespace fettle::test {

inline constexpr const char* azure_local_model = "Microsoft NVMe Direct Disk v2";
inline constexpr const char* azure_remote_model = "MSFT NVMe Accelerator v1.0";

struct DriveSpec {
  unsigned number = 0;  // of the controller: /dev/nvme<number>n<after_n>
  std::string serial;
  std::string model = azure_local_model;
  std::uint64_t bytes = 3'840'755'982'336;  // one of the eight 3.5 TiB drives
  unsigned block_size = 512;
  unsigned after_n = 1;
  unsigned nsid = 1;     // is not the number after the n
  unsigned diskseq = 0;  // 0 = 10 + number
  int numa_node = 0;
  unsigned partitions = 0;
};

std::string name_of(const DriveSpec& drive);  // "nvme3n1"

// Major:minor of a drive ("259:48" for nvme3n1) or of its partition ("259:49" for nvme3n1p1).
std::string device_number(const DriveSpec& drive, unsigned partition = 0);

// The first drive also gets the machine a root file system elsewhere (/dev/sda1): nobody can say what is in
// use on a machine without mounts.
void add_drive(Tree& tree, const DriveSpec& drive);

// `count` blank drives nvme0n1, nvme1n1 ... with the serials "<prefix>0001", "<prefix>0002" ...
std::vector<DriveSpec> add_drives(Tree& tree, unsigned count, const std::string& prefix = "SN",
                                  DriveSpec like = {});

// The same drives under other kernel names, as after a reboot: order[i] is the new number of drives[i]. What
// they hold moves with them.
void renumber(Tree& tree, std::vector<DriveSpec>& drives, const std::vector<unsigned>& order);

// Native multipath: the hidden path device nvme<X>c<X>n1, and a `device` that is the subsystem, without
// numa_node.
void add_multipath(Tree& tree, const DriveSpec& drive);

struct ArraySpec {
  std::string name = "md127";
  std::string state = "clean";  // array_state
  std::string level = "raid0";
  std::vector<std::string> members;  // "nvme0n1" or "nvme0n1p1"; each gets the array as holder
  std::uint64_t bytes = 0;
  unsigned raid_disks = 0;  // 0 = as many as there are members
};

// Arrays have the device number 9:<N> of md<N>.
void add_array(Tree& tree, const ArraySpec& array);

// A device mapper device "dm-0" (252:0) on top of partitions, drives or arrays.
void add_mapper(Tree& tree, const std::string& name, const std::vector<std::string>& members);

// One more line of /proc/self/mountinfo. `device` is major:minor; the paths are escaped as the kernel does.
void add_mount(Tree& tree, const std::string& device, const std::string& what, const std::string& where,
               const std::string& type = "ext4", const std::string& options = "rw,relatime");

// One more line of /proc/swaps.
void add_swap(Tree& tree, const std::string& what);

}  // namespace fettle::test
