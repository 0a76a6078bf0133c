// The PCI bus: which devices of one vendor it has. Needs no driver and no right.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "system/files.h"

namespace fettle::system {

inline constexpr unsigned amd = 0x1002;  // the vendor of the GPUs

struct PciDevice {
  std::string address;      // "0000:05:00.0"
  unsigned device = 0;      // 0x74a1
  unsigned class_code = 0;  // 0x120000
};

// By address. A device that leaves the bus while it is looked at is left out; no bus at all is an error.
Result<std::vector<PciDevice>> pci_devices(const Files& files, unsigned vendor);

// GPUs as the bus tells them: displays (class 0x03) and processing accelerators (0x12; MI300X is 0x120000).
Result<std::vector<PciDevice>> gpus_on_pci(const Files& files);

}  // namespace fettle::system
