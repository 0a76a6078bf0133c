// Compute devices as the driver's compute side (KFD) sees them, and the links among them.
#include <array>
#include <cstdio>
#include <set>

#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

constexpr std::uint64_t xgmi = 11;  // io_link type; 2 is PCIe

std::uint64_t property(std::string_view properties, std::string_view name) {
  for (const std::string_view line : lines(properties)) {
    if (line.starts_with(name) && line.substr(name.size()).starts_with(' ')) {
      return to_number<std::uint64_t>(trim(line.substr(name.size()))).value_or(0);
    }
  }
  return 0;
}

Result<std::string> read_properties(const system::Files& files, const std::string& directory) {
  auto properties = files.read(directory + "/properties", 64_KiB);
  if (properties) return properties;
  Error error = properties.error();
  if (error.why == Why::denied) {
    // amdkfd asks the reader's device cgroup for the render node of each GPU.
    error.hint =
        "the reader may not open the GPUs' render nodes: give the unit DeviceAllow=char-drm rw, no "
        "PrivateDevices";
  }
  return fail(std::move(error));
}

Fact<std::size_t> count_xgmi(const system::Files& files, const std::string& node) {
  const auto links = list_optional(files, node + "/io_links");
  if (!links) return fail(links.error());
  std::set<std::uint64_t> peers;
  for (const std::string& link : *links) {
    const auto properties = read_properties(files, node + "/io_links/" + link);
    if (!properties) return fail(properties.error());
    if (property(*properties, "type") == xgmi) peers.insert(property(*properties, "node_to"));
  }
  return peers.size();
}

}  // namespace

Result<std::vector<KfdDevice>> read_kfd(const system::Files& files) {
  const auto classes = files.look_through("/sys/class");
  if (!classes) return fail(while_doing("look for GPUs in KFD", classes.error()));
  const std::string topology = "/sys/class/kfd/kfd/topology/nodes";
  const auto nodes = list_optional(files, topology);  // no KFD without a driver
  if (!nodes) return fail(nodes.error());
  std::vector<KfdDevice> devices;
  for (const std::string& node : *nodes) {
    const std::string directory = topology + "/" + node;
    const auto properties = read_properties(files, directory);
    if (!properties) return fail(properties.error());
    if (property(*properties, "simd_count") == 0) continue;  // a CPU
    devices.push_back({property(*properties, "domain"), property(*properties, "location_id"),
                       count_xgmi(files, directory)});
  }
  return devices;
}

Result<std::vector<GpuUser>> read_gpu_users(const system::Files& files) {
  // The driver makes it when it starts: a directory that is not there is no proof that nobody computes.
  const auto names = files.list("/sys/class/kfd/kfd/proc");
  if (!names) return fail(while_doing("tell which processes use the GPUs", names.error()));
  std::vector<GpuUser> users;
  for (const std::string& process : *names) {
    const auto name = read_value(files, "/proc/" + process + "/comm");
    users.push_back({process, name ? *name : std::string()});
  }
  return users;
}

unsigned count_gpus(const std::vector<KfdDevice>& devices) {
  // A location of 0 is a GPU like any other: in a virtual machine each may have a PCI domain of its own.
  std::set<std::pair<std::uint64_t, std::uint64_t>> gpus;
  for (const KfdDevice& device : devices) gpus.emplace(device.domain, device.location & ~std::uint64_t{7});
  return static_cast<unsigned>(gpus.size());
}

std::string pci_address_of(const KfdDevice& device) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04llx:%02llx:%02llx.0",
                static_cast<unsigned long long>(device.domain),
                static_cast<unsigned long long>(device.location >> 8U & 0xffU),
                static_cast<unsigned long long>(device.location >> 3U & 0x1fU));
  return text.data();
}

}  // namespace fettle::facts
