// GPUs as PCI sees them, which needs no driver.
#include "facts/readers.h"
#include "system/pci.h"

namespace fettle::facts {

Result<std::vector<Gpu>> read_gpus_on_pci(const system::Files& files) {
  const auto devices = system::gpus_on_pci(files);
  if (!devices) return fail(while_doing("look for GPUs on PCI", devices.error()));
  std::vector<Gpu> gpus;
  for (const system::PciDevice& device : *devices) gpus.push_back({device.address, device.device});
  return gpus;
}

}  // namespace fettle::facts
