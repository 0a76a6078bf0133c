// GPUs as PCI sees them, which needs no driver.
#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

constexpr unsigned amd = 0x1002;
// The upper byte of a PCI class: 0x03 displays, 0x12 processing accelerators (MI300X: 0x120000).
constexpr unsigned display_class = 0x03;
constexpr unsigned accelerator_class = 0x12;

}  // namespace

Result<std::vector<Gpu>> read_gpus_on_pci(const system::Files& files) {
  const std::string bus = "/sys/bus/pci/devices";
  const auto addresses = files.list(bus);
  if (!addresses) return fail(while_doing("look for GPUs on PCI", addresses.error()));
  std::vector<Gpu> gpus;
  for (const std::string& address : *addresses) {
    const std::string device = bus + "/" + address;
    const auto vendor = read_number<unsigned>(files, device + "/vendor", 16);
    if (!vendor && vendor.error().why == Why::missing) continue;  // unplugged since it was listed
    if (!vendor) return fail(vendor.error());
    if (*vendor != amd) continue;
    const auto device_class = read_number<unsigned>(files, device + "/class", 16);
    const auto id = read_number<unsigned>(files, device + "/device", 16);
    if (!device_class) return fail(device_class.error());
    if (!id) return fail(id.error());
    const unsigned kind = *device_class >> 16U;
    if (kind == display_class || kind == accelerator_class) gpus.push_back({address, *id});
  }
  return gpus;
}

}  // namespace fettle::facts
