// Facts: what was read off the machine. Every field may say that it could not be read, and why.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/version.h"
#include "system/block.h"
#include "system/files.h"

namespace fettle::facts {

// A Result that starts as "not looked yet" instead of as an empty success.
template <class T>
class Fact : public Result<T> {
 public:
  Fact() : Result<T>(fail(Why::missing, "cannot say yet: not looked at")) {}
  Fact(Result<T> result) : Result<T>(std::move(result)) {}  // NOLINT(google-explicit-constructor)
  Fact(T value) : Result<T>(std::move(value)) {}            // NOLINT(google-explicit-constructor)
};

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
  std::string module_version;  // "6.14.14"; empty for the in-tree module, which has none
  std::string release;         // "30.10.2" from the amdgpu-dkms package; empty when that is not installed
  bool out_of_tree = false;    // taint "O": built by DKMS
  bool live = false;           // initstate "live"
};

struct Rocm {
  std::string path;     // "/opt/rocm-7.0.2"
  std::string version;  // "7.0.2"
  bool is_default = false;  // what /opt/rocm leads to
};

struct Gpu {
  std::string pci_address;  // "0000:05:00.0"
  unsigned pci_device = 0;  // 0x74a1
};

// A whole NVMe namespace. `name` is good until the next boot only; `serial` and `wwid` are who it is.
struct Drive {
  std::string name;    // "nvme3n1"
  std::string model;   // trimmed
  std::string serial;  // trimmed
  std::string wwid;
  std::string nsid;
  Bytes size;
  unsigned block_size = 512;  // logical
  dev_t node = 0;
  std::uint64_t diskseq = 0;  // changes when the drive is unplugged and comes back; 0 = the kernel does not say
  int numa_node = -1;
  std::vector<std::string> partitions;  // "nvme3n1p1"
  std::vector<std::string> holders;     // "md127", also those of its partitions
  std::vector<std::string> in_use;      // why it is the system's: "mounted on /", "swap", "part of md0 mounted on /boot"
};

// A drive's blankness takes 32 MiB of reading, so it is looked at only when somebody asks (storage).
struct Array {
  std::string name;   // "md127"
  std::string state;  // array_state: "clean", "active", "inactive", "broken"
  std::string level;  // "raid0"
  unsigned raid_disks = 0;
  Bytes size;
  std::vector<std::string> members;  // "nvme3n1"
};

struct Mount {
  std::string where;
  std::string what;  // source as mountinfo has it, octal escapes decoded
  std::string type;
  std::string options;
  std::string device;  // "259:3"
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
  Fact<Driver> driver;                 // missing = module not loaded
  Fact<std::vector<Rocm>> rocm;        // an empty list = none installed, which is no error
  Fact<std::vector<Gpu>> gpus_on_pci;
  Fact<unsigned> gpus_in_kfd;          // GPU nodes in the KFD topology
  Fact<std::vector<Drive>> drives;
  Fact<std::vector<Array>> arrays;
  Fact<std::vector<Mount>> mounts;
  Fact<Identity> identity;
  Fact<Bytes> memory;                  // MemTotal
  Fact<std::chrono::seconds> uptime;
};

// Looks at everything once. Never fails as a whole; each field says for itself.
Facts gather(const system::Files& files);

}  // namespace fettle::facts
