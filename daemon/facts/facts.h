// Facts: what was read off the machine. Every field may say that it could not be read, and why.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/version.h"
#include "facts/collected.h"
#include "facts/deep.h"
#include "facts/engines.h"
#include "facts/fact.h"
#include "facts/gpu_programs.h"
#include "facts/host.h"
#include "facts/kernel_log.h"
#include "facts/next_boot.h"
#include "system/block.h"
#include "system/files.h"
#include "system/time_sync.h"

namespace fettle::facts {

struct Os {
  std::string id;       // "ubuntu"
  std::string release;  // "24.04.3": with the point release, from VERSION or PRETTY_NAME
  std::string pretty;   // "Ubuntu 24.04.3 LTS"
};

struct Kernel {
  std::string release;  // "6.14.0-32-generic"
  std::string series;   // "6.14"
  std::string flavour;  // "generic", "azure"; empty when the release has none
};

struct Driver {
  bool loaded = false;         // /sys/module/amdgpu is there
  bool live = false;           // initialised; false while it is still coming up or going away
  bool out_of_tree = false;    // taint "O": built by DKMS
  std::string module_version;  // "6.14.14"; empty for the kernel's own module, which has none
};

// What dpkg knows of amdgpu-dkms. The driver release stands only here: 6.14.14 is the module of three
// releases. The package may be newer than the module that runs, until the next boot.
struct DriverPackage {
  bool installed = false;
  std::string version;         // "1:6.14.14.30100200-2226257.24.04"
  std::string release;         // "30.10.2"
  std::string module_version;  // "6.14.14"
};

struct Rocm {
  std::string path;         // "/opt/rocm-7.0.2"
  std::string version;      // "7.0.2"
  bool is_default = false;  // what /opt/rocm leads to
};

struct Gpu {
  std::string pci_address;  // "0000:05:00.0"
  // 0x74a1. Displays of the same vendor are listed too: the profile's models tell them apart.
  unsigned pci_device = 0;
};

// Counters of one block of a GPU, summed by the driver since it was loaded.
struct RasCounts {
  std::uint64_t uncorrectable = 0;
  std::uint64_t corrected = 0;
  std::uint64_t deferred = 0;  // poison that was made and not consumed yet
};

// Memory pages that the driver took out of use.
struct BadPages {
  std::size_t reserved = 0;  // out of use
  std::size_t pending = 0;   // will be at the next reset
  std::size_t failed = 0;    // could not be
};

// A link as the device tells it; "Unknown" and 0 in many virtual machines.
struct PcieLink {
  std::string speed;  // "32.0 GT/s PCIe"
  std::string top_speed;
  unsigned width = 0;
  unsigned top_width = 0;
};

// One GPU as its driver shows it: a DRM card of the vendor. A file that the driver does not have is an error
// `missing`: which ones exist depends on the driver, and in a virtual machine many do not.
struct Card {
  std::string name;                     // "card9"
  std::string pci_address;              // "0000:27:00.0"
  Fact<std::string> compute_partition;  // "SPX"
  // That the driver knows for it: "SPX", "DPX", "QPX", "CPX"; which of them go with the memory mode is
  // another question.
  Fact<std::vector<std::string>> compute_partitions;
  Fact<std::string> memory_partition;  // "NPS1"
  Fact<Bytes> vram;
  Fact<PcieLink> link;
  Fact<std::map<std::string, RasCounts>> ras;  // by block: "umc"
  Fact<BadPages> bad_pages;
  Fact<std::uint64_t> bus_errors;  // PCIe errors that were not corrected, fatal and not
  Fact<std::uint64_t> hive;        // of xGMI; 0 = in none
};

// One compute device in KFD: a GPU, or a partition of one.
struct KfdDevice {
  std::uint64_t domain = 0;
  std::uint64_t location = 0;  // bus, device and function; partitions of one GPU differ in the function only
  Fact<std::size_t> xgmi_peers;  // other devices that it reaches over xGMI
};

// A process that has the GPUs open for computing; the driver changes no partition mode meanwhile.
struct GpuUser {
  std::string process;  // "4711", as the first namespace of processes counts
  std::string name;     // "python3"; empty when it cannot be told
};

// A whole NVMe namespace. `name` is good until the next boot only; `serial` and `wwid` are who it is.
struct Drive {
  std::string name;    // "nvme3n1"
  std::string model;   // trimmed
  std::string serial;  // trimmed
  std::string wwid;
  std::string nsid;       // is not the number after the n in `name`
  std::string transport;  // "pcie"; "tcp" and the like are behind a network; empty = the kernel does not say
  Bytes size;
  unsigned block_size = 512;  // logical
  dev_t node = 0;
  std::uint64_t diskseq = 0;  // changes when the drive is plugged in again; 0 = the kernel does not say
  int numa_node = -1;
  std::vector<std::string> partitions;  // "nvme3n1p1"
  std::vector<std::string> holders;     // "md127", also those of its partitions
  // Why it is the system's: "mounted on /", "nvme3n1p2 used as swap", "part of md0 mounted on /boot".
  std::vector<std::string> in_use;
};

// A drive's blankness takes 32 MiB of reading, so it is looked at only when somebody asks (storage).
struct Array {
  std::string name;   // "md127"
  std::string state;  // array_state: "clean", "active", "inactive", "broken"
  std::string level;  // "raid0"
  unsigned raid_disks = 0;
  Bytes size;
  Bytes chunk;                       // of one stripe on one member; 0 = the kernel does not say
  std::vector<std::string> members;  // "nvme3n1"
};

struct Mount {
  std::string where;
  std::string what;  // source as mountinfo has it, octal escapes decoded
  std::string type;
  std::string options;  // of the mount and of the file system; "ro" when the latter is
  std::string device;   // "259:3"
};

// Who this machine is: state found under another identity is a cloned image's and gives no rights.
struct Identity {
  std::string machine_id;
  std::string product_uuid;  // DMI; empty when only root may read it or there is none
  std::string boot_id;
};

// The fields that take no right and no child to read.
struct Facts {
  Fact<Os> os;
  Fact<Kernel> kernel;
  Fact<Driver> driver;                 // a module that is not loaded is no error
  Fact<DriverPackage> driver_package;  // nor is a package that is not installed
  Fact<std::vector<Rocm>> rocm;        // an empty list = none installed, which is no error
  Fact<std::vector<Gpu>> gpus_on_pci;
  Fact<unsigned> gpus_in_kfd;  // physical GPUs in the KFD topology: partitions of one count once
  Fact<std::vector<Card>> cards;
  Fact<std::vector<KfdDevice>> kfd;
  Fact<std::vector<GpuUser>> gpu_users;
  // Rules of udev that set a compute partition; looked for where the profile wants one.
  Fact<std::vector<SettingSource>> partition_sources;
  Fact<std::vector<Drive>> drives;
  Fact<std::vector<Array>> arrays;
  Fact<std::vector<Mount>> mounts;
  Fact<Identity> identity;
  Fact<Bytes> memory;  // MemTotal
  Fact<std::chrono::seconds> uptime;
  Fact<Hardware> hardware;
  Fact<Cpus> cpus;
  Fact<std::vector<Swap>> swaps;
  Fact<system::Space> root_space;
  Fact<system::TimeSync> time_sync;
  Fact<std::vector<InfinibandPort>> infiniband;  // an empty list = none, which is no error
  Fact<GpuAccess> gpu_access;
  Fact<FoundSettings> settings;  // those that the profile names, in its order
  Fact<NextBoot> next_boot;
  // What `fettle collect` left; older results than they allow are errors.
  Fact<CacheTrial> cache_trial;
  Fact<DriveTrials> drive_trials;
  Fact<CacheUsage> cache_usage;
  Fact<KernelLog> kernel_log;
  Fact<GpuPrograms> gpu_programs;
  Fact<DeepTrials> deep_trials;      // missing when none was asked for in this boot
  Fact<EngineTrials> engine_trials;  // of the watch; missing where the configuration names no engine
};

// The physical GPUs among them: partitions of one count once.
unsigned count_gpus(const std::vector<KfdDevice>& devices);
// "0000:27:00.0", the GPU's also for a partition of it.
std::string pci_address_of(const KfdDevice& device);

// Looks at everything once. Never fails as a whole; each field says for itself. Without a profile, `settings`
// is not looked at.
Facts gather(const system::Files& files);
Facts gather(const system::Files& files, const profile::Profile& profile);

}  // namespace fettle::facts
