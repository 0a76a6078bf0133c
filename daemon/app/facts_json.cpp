#include "app/facts_json.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>

namespace fettle::app {
namespace {

namespace json = boost::json;

json::value texts(const std::vector<std::string>& list) {
  json::array array;
  for (const std::string& text : list) array.emplace_back(text);
  return array;
}

json::value of(const facts::Os& os) {
  return {{"id", os.id}, {"release", os.release}, {"pretty", os.pretty}};
}

json::value of(const facts::Kernel& kernel) {
  return {{"release", kernel.release}, {"series", kernel.series}, {"flavour", kernel.flavour}};
}

json::value of(const facts::Driver& driver) {
  return {{"loaded", driver.loaded},
          {"live", driver.live},
          {"out_of_tree", driver.out_of_tree},
          {"module_version", driver.module_version}};
}

json::value of(const facts::DriverPackage& package) {
  return {{"installed", package.installed},
          {"version", package.version},
          {"release", package.release},
          {"module_version", package.module_version}};
}

json::value of(const facts::Rocm& rocm) {
  return {{"path", rocm.path}, {"version", rocm.version}, {"is_default", rocm.is_default}};
}

json::value of(const facts::Gpu& gpu) {
  char device[16];
  std::snprintf(device, sizeof device, "0x%04x", gpu.pci_device);
  return {{"pci_address", gpu.pci_address}, {"pci_device", static_cast<const char*>(device)}};
}

json::value of(const facts::Drive& drive) {
  json::object object{{"name", drive.name},
                      {"model", drive.model},
                      {"serial", drive.serial},
                      {"wwid", drive.wwid},
                      {"transport", drive.transport},
                      {"size_bytes", drive.size.count},
                      {"block_bytes", drive.block_size},
                      {"numa_node", drive.numa_node}};
  object["partitions"] = texts(drive.partitions);
  object["holders"] = texts(drive.holders);
  object["in_use"] = texts(drive.in_use);
  return object;
}

json::value of(const facts::Array& array) {
  json::object object{{"name", array.name},
                      {"state", array.state},
                      {"level", array.level},
                      {"raid_disks", array.raid_disks},
                      {"size_bytes", array.size.count}};
  object["members"] = texts(array.members);
  return object;
}

json::value of(const facts::Mount& mount) {
  return {{"where", mount.where}, {"what", mount.what}, {"type", mount.type}, {"options", mount.options}};
}

json::value of(const facts::Hardware& hardware) {
  return {{"vendor", hardware.vendor}, {"product", hardware.product}, {"is_virtual", hardware.is_virtual}};
}

json::value of(const facts::Cpus& cpus) {
  return {{"sockets", cpus.sockets}, {"cores", cpus.cores}, {"threads", cpus.threads}};
}

json::value of(const facts::Swap& swap) {
  return {{"what", swap.what}, {"size_bytes", swap.size.count}};
}

json::value of(const facts::InfinibandPort& port) {
  return {{"device", port.device}, {"port", port.port}, {"state", port.state}, {"rate_gbit", port.rate_gbit}};
}

json::value of(system::TimeSync sync) {
  return sync == system::TimeSync::synchronised ? "synchronised" : "free running";
}

json::value of(const facts::NextBoot& next) {
  return {{"kernel", next.kernel},
          {"dkms_module", next.dkms_module},
          {"own_module", next.own_module},
          {"has_headers", next.has_headers}};
}

json::value of(const facts::Identity& identity) {
  // The machine id is meant to stay on the machine (machine-id(5)), and everybody local may read this.
  return {{"boot_id", identity.boot_id}};
}

json::value of(const facts::SettingPlace& place) {
  return {{"where", place.where}, {"value", place.value}};
}

json::value of(const facts::SettingSource& source) {
  return {{"file", source.file}, {"value", source.value}};
}

json::value of(unsigned count) {
  return count;
}
json::value of(Bytes bytes) {
  return bytes.count;
}
json::value of(std::chrono::seconds time) {
  return time.count();
}

template <class T>
json::value of(const std::vector<T>& list) {
  json::array array;
  for (const T& item : list) array.push_back(of(item));
  return array;
}

template <class T>
json::value of(const facts::Fact<T>& fact) {
  if (!fact) return json::object{{"unknown", fact.error().said}};
  return of(*fact);
}

// Hundreds of processors mostly agree: places are told one by one only while they are few.
json::value of(const facts::FoundSetting& setting) {
  constexpr std::size_t most_told = 8;
  json::object object{{"name", setting.name}};
  if (setting.now && setting.now->size() > most_told) {
    object["places"] = setting.now->size();
    object["now"] = of(std::vector(setting.now->begin(), setting.now->begin() + most_told));
  } else {
    object["now"] = of(setting.now);
  }
  object["set_by"] = of(setting.set_by);
  return object;
}

json::value of_settings(const facts::FoundSettings& settings) {
  json::array array;
  for (const facts::FoundSetting& setting : settings) array.push_back(of(setting));
  return array;
}

}  // namespace

json::value facts_json(const facts::Facts& facts) {
  json::object object;
  object["os"] = of(facts.os);
  object["kernel"] = of(facts.kernel);
  object["driver"] = of(facts.driver);
  object["driver_package"] = of(facts.driver_package);
  object["rocm"] = of(facts.rocm);
  object["gpus_on_pci"] = of(facts.gpus_on_pci);
  object["gpus_in_kfd"] = of(facts.gpus_in_kfd);
  object["drives"] = of(facts.drives);
  object["arrays"] = of(facts.arrays);
  object["mounts"] = of(facts.mounts);
  object["identity"] = of(facts.identity);
  object["memory_bytes"] = of(facts.memory);
  object["uptime_seconds"] = of(facts.uptime);
  object["hardware"] = of(facts.hardware);
  object["cpus"] = of(facts.cpus);
  object["swaps"] = of(facts.swaps);
  object["time_sync"] = of(facts.time_sync);
  object["infiniband"] = of(facts.infiniband);
  object["settings"] = facts.settings ? of_settings(*facts.settings)
                                      : json::value(json::object{{"unknown", facts.settings.error().said}});
  object["next_boot"] = of(facts.next_boot);
  return object;
}

}  // namespace fettle::app
