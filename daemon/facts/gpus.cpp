// GPUs as PCI sees them, which needs no driver, and as the driver's compute side (KFD) sees them.
#include <set>

#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

constexpr unsigned amd = 0x1002;
// The upper byte of a PCI class: 0x03 displays, 0x12 processing accelerators (MI300X: 0x120000).
constexpr unsigned display_class = 0x03;
constexpr unsigned accelerator_class = 0x12;

std::uint64_t property(std::string_view properties, std::string_view name) {
  for (const std::string_view line : lines(properties)) {
    if (line.starts_with(name) && line.substr(name.size()).starts_with(' ')) {
      return to_number<std::uint64_t>(trim(line.substr(name.size()))).value_or(0);
    }
  }
  return 0;
}

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

Result<unsigned> read_gpus_in_kfd(const system::Files& files) {
  const auto classes = files.look_through("/sys/class");
  if (!classes) return fail(while_doing("look for GPUs in KFD", classes.error()));
  const std::string topology = "/sys/class/kfd/kfd/topology/nodes";
  const auto nodes = list_optional(files, topology);  // no KFD without a driver
  if (!nodes) return fail(nodes.error());
  std::set<std::pair<std::uint64_t, std::uint64_t>> gpus;
  for (const std::string& node : *nodes) {
    const std::string path = topology + "/" + node + "/properties";
    const auto properties = files.read(path, 64_KiB);
    if (!properties) {
      Error error = properties.error();
      if (error.why == Why::denied) {
        // amdkfd asks the reader's device cgroup for the render node of each GPU.
        error.hint =
            "the reader may not open the GPUs' render nodes: give the unit DeviceAllow=char-drm rw, no "
            "PrivateDevices";
      }
      return fail(std::move(error));
    }
    if (property(*properties, "simd_count") == 0) continue;  // a CPU
    // Partitions of one GPU differ in the function number only. A location of 0 is a GPU like any other: in a
    // virtual machine each may have a PCI domain of its own.
    gpus.emplace(property(*properties, "domain"), property(*properties, "location_id") & ~std::uint64_t{7});
  }
  return static_cast<unsigned>(gpus.size());
}

}  // namespace fettle::facts
