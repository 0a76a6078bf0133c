#include "system/pci.h"

#include <algorithm>

#include "base/text.h"

namespace fettle::system {
namespace {

// The upper byte of a PCI class.
constexpr unsigned display_class = 0x03;
constexpr unsigned accelerator_class = 0x12;

Result<unsigned> number_at(const Files& files, const std::string& path) {
  const auto text = files.read(path, 64_KiB);
  if (!text) return fail(text.error());
  const auto number = to_number<unsigned>(trim(*text), 16);
  if (!number)
    return fail(Why::malformed,
                "cannot read '" + path + "': '" + std::string(trim(*text)) + "' is not a number");
  return *number;
}

}  // namespace

Result<std::vector<PciDevice>> pci_devices(const Files& files, unsigned vendor) {
  const std::string bus = "/sys/bus/pci/devices";
  const auto addresses = files.list(bus);
  if (!addresses) return fail(addresses.error());
  std::vector<PciDevice> devices;
  for (const std::string& address : *addresses) {
    const std::string directory = bus + "/" + address;
    const auto of = number_at(files, directory + "/vendor");
    if (!of && of.error().why == Why::missing) continue;  // unplugged since it was listed
    if (!of) return fail(of.error());
    if (*of != vendor) continue;
    const auto class_code = number_at(files, directory + "/class");
    if (!class_code) return fail(class_code.error());
    const auto device = number_at(files, directory + "/device");
    if (!device) return fail(device.error());
    devices.push_back({address, *device, *class_code});
  }
  return devices;
}

Result<std::vector<PciDevice>> gpus_on_pci(const Files& files) {
  auto devices = pci_devices(files, amd);
  if (!devices) return devices;
  const auto is_no_gpu = [](const PciDevice& device) {
    const unsigned kind = device.class_code >> 16U;
    return kind != display_class && kind != accelerator_class;
  };
  devices->erase(std::remove_if(devices->begin(), devices->end(), is_no_gpu), devices->end());
  return devices;
}

}  // namespace fettle::system
