// NVMe drives with who they are, what stands on them, and why they may be the system's.
//
// All of it comes from sysfs: names such as nvme3n1 are handed out anew at each boot, the number after the n
// is not the namespace id, and links below /dev/disk are ambiguous on controllers with several namespaces.
#include <sys/sysmacros.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

constexpr const char* block = "/sys/block/";
// Drive, partition, md, crypt, logical volume and snapshot make six; deeper is a loop or a joke.
constexpr int chain_limit = 16;

// Why block devices are in use, by device number ("259:3") and by name ("nvme0n1p2", "mapper/vg-root").
struct Uses {
  std::map<std::string, std::vector<std::string>, std::less<>> places;  // where each is mounted
  std::set<std::string, std::less<>> swaps;
  std::set<std::string, std::less<>>
      btrfs;  // members of mounted file systems; mountinfo names only one of them
};

std::string name_in_dev(std::string_view path) {
  constexpr std::string_view dev = "/dev/";
  return path.starts_with(dev) ? std::string(path.substr(dev.size())) : std::string();
}

Result<Uses> read_uses(const system::Files& files, const std::vector<Mount>& mounts) {
  Uses uses;
  for (const Mount& mount : mounts) {
    // File systems of several devices (btrfs) have a number of their own, 0:N; then the source must do.
    if (!mount.device.starts_with("0:")) uses.places[mount.device].push_back(mount.where);
    if (const std::string name = name_in_dev(mount.what); !name.empty())
      uses.places[name].push_back(mount.where);
  }
  const auto swaps = files.read("/proc/swaps", 1_MiB);
  if (!swaps && swaps.error().why != Why::missing) return fail(swaps.error());
  if (swaps) {
    for (const std::string_view line : lines(*swaps)) {
      const std::string path = unescape_octal(line.substr(0, line.find_first_of(" \t")));
      if (const std::string name = name_in_dev(path); !name.empty()) uses.swaps.insert(name);
    }
  }
  const auto systems = list_optional(files, "/sys/fs/btrfs");
  if (!systems) return fail(systems.error());
  for (const std::string& system : *systems) {
    const auto devices = list_optional(files, "/sys/fs/btrfs/" + system + "/devices");
    if (!devices) return fail(devices.error());
    uses.btrfs.insert(devices->begin(), devices->end());
  }
  return uses;
}

// "mounted on /", "mounted on / and 3 other places".
std::string mounted_on(std::vector<std::string> places) {
  const std::string first = places.front();
  std::sort(places.begin(), places.end());
  const auto others =
      static_cast<std::size_t>(std::unique(places.begin(), places.end()) - places.begin()) - 1;
  if (others == 0) return "mounted on " + first;
  return "mounted on " + first + " and " + count_of(others, "other place");
}

// Walks from a drive to all that stands on it, and collects why it is in use.
class Chain {
 public:
  Chain(const system::Files& files, const Uses& uses) : files_(files), uses_(uses) {}

  // `prefix` says how the device belongs to the drive: "", "nvme0n1p2 ", "part of md0 ".
  Result<void> add(const std::string& name, const std::string& path, const std::string& prefix,
                   int depth = 0) {
    if (depth > chain_limit) {
      return fail(Why::malformed, "cannot tell what uses '" + path + "': the chain of holders does not end");
    }
    if (!seen_.insert(name).second) return {};
    const auto number = read_value(files_, path + "/dev");
    const auto mapper = read_optional(files_, path + "/dm/name");
    if (!number) return fail(number.error());
    if (!mapper) return fail(mapper.error());
    add_reasons({*number, name, mapper->empty() ? std::string() : "mapper/" + *mapper}, prefix);
    const auto holders = list_optional(files_, path + "/holders");
    if (!holders) return fail(holders.error());
    for (const std::string& holder : *holders) {
      const auto added = add(holder, block + holder, "part of " + holder + " ", depth + 1);
      if (!added) return added;
    }
    return {};
  }

  std::vector<std::string> reasons() && { return std::move(reasons_); }

 private:
  void add_reasons(const std::vector<std::string>& names, const std::string& prefix) {
    std::vector<std::string> places;
    for (const std::string& name : names) {
      if (name.empty()) continue;
      const auto at = uses_.places.find(name);
      if (at != uses_.places.end()) places.insert(places.end(), at->second.begin(), at->second.end());
    }
    const auto any_in = [&](const auto& set) {
      return std::any_of(names.begin(), names.end(),
                         [&](const std::string& name) { return set.contains(name); });
    };
    const bool mounted = !places.empty();
    if (mounted) reasons_.push_back(prefix + mounted_on(std::move(places)));
    if (any_in(uses_.swaps)) reasons_.push_back(prefix + "used as swap");
    if (!mounted && any_in(uses_.btrfs)) reasons_.push_back(prefix + "part of a mounted btrfs");
  }

  const system::Files& files_;
  const Uses& uses_;
  std::set<std::string> seen_;
  std::vector<std::string> reasons_;
};

// nvme3n1, but neither nvme3c0n1 (a path of a multipath drive) nor anything else.
bool is_namespace(std::string_view name) {
  constexpr std::string_view prefix = "nvme";
  if (!name.starts_with(prefix)) return false;
  const auto parts = split(name.substr(prefix.size()), 'n');
  const auto digits = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return parts.size() == 2 && digits(parts[0]) && digits(parts[1]);
}

Result<dev_t> read_node(const system::Files& files, const std::string& path) {
  const auto text = read_value(files, path);
  if (!text) return fail(text.error());
  const auto parts = split(*text, ':');
  const auto major_number = to_number<unsigned>(parts.front());
  const auto minor_number = to_number<unsigned>(parts.back());
  if (parts.size() != 2 || !major_number || !minor_number) {
    return fail(Why::malformed, "cannot read '" + path + "': '" + *text + "' is not MAJOR:MINOR");
  }
  return makedev(*major_number, *minor_number);
}

// The directory that says how the drive is attached: its controller. Under multipath `device` is the
// subsystem, which holds links to its controllers; the first one will do, all lead to the same drive.
Result<std::string> controller_of(const system::Files& files, const std::string& path) {
  const std::string device = path + "/device";
  const auto is_controller = files.exists(device + "/transport");
  if (!is_controller) return fail(is_controller.error());
  if (*is_controller) return device;
  const auto names = list_optional(files, device);
  if (!names) return fail(names.error());
  for (const std::string& name : *names) {
    if (!name.starts_with("nvme")) continue;
    const std::string candidate = device + "/" + name;
    const auto found = files.exists(candidate + "/transport");
    if (!found) return fail(found.error());
    if (*found) return candidate;
  }
  return device;
}

// Partitions, and the holders of the drive and of its partitions.
Result<void> add_contents(const system::Files& files, const Uses& uses, const std::string& path,
                          Drive& drive) {
  const auto entries = files.list(path);
  const auto holders = list_optional(files, path + "/holders");
  if (!entries) return fail(entries.error());
  if (!holders) return fail(holders.error());
  drive.holders = *holders;
  Chain chain(files, uses);
  if (auto added = chain.add(drive.name, path, ""); !added) return added;
  for (const std::string& entry : *entries) {
    if (!entry.starts_with(drive.name + "p")) continue;
    const std::string partition = path + "/" + entry;
    const auto is_partition = files.exists(partition + "/partition");
    if (!is_partition) return fail(is_partition.error());
    if (!*is_partition) continue;
    drive.partitions.push_back(entry);
    const auto more = list_optional(files, partition + "/holders");
    if (!more) return fail(more.error());
    drive.holders.insert(drive.holders.end(), more->begin(), more->end());
    if (auto added = chain.add(entry, partition, entry + " "); !added) return added;
  }
  drive.in_use = std::move(chain).reasons();
  return {};
}

Result<Drive> read_drive(const system::Files& files, const Uses& uses, const std::string& name) {
  const std::string path = block + name;
  Drive drive;
  drive.name = name;
  const auto controller = controller_of(files, path);
  if (!controller) return fail(controller.error());
  struct Text {
    std::string path;
    std::string* to;
  };
  for (const Text& text :
       {Text{path + "/device/model", &drive.model}, Text{path + "/device/serial", &drive.serial},
        Text{path + "/wwid", &drive.wwid}, Text{path + "/nsid", &drive.nsid},
        Text{*controller + "/transport", &drive.transport}}) {
    auto value = read_optional(files, text.path);
    if (!value) return fail(value.error());
    *text.to = std::move(*value);
  }
  const auto sectors = read_number<std::uint64_t>(files, path + "/size");
  const auto block_size = read_number<unsigned>(files, path + "/queue/logical_block_size");
  const auto node = read_node(files, path + "/dev");
  const auto diskseq = read_optional(files, path + "/diskseq");
  const auto numa_node = read_optional(files, *controller + "/numa_node");
  if (!sectors) return fail(sectors.error());
  if (!block_size) return fail(block_size.error());
  if (!node) return fail(node.error());
  if (!diskseq) return fail(diskseq.error());
  if (!numa_node) return fail(numa_node.error());
  drive.size = Bytes{*sectors * 512};  // sysfs counts in 512 bytes whatever the drive's blocks are
  drive.block_size = *block_size;
  drive.node = *node;
  drive.diskseq = to_number<std::uint64_t>(*diskseq).value_or(0);
  drive.numa_node = to_number<int>(*numa_node).value_or(-1);
  if (auto added = add_contents(files, uses, path, drive); !added) return fail(added.error());
  return drive;
}

}  // namespace

Result<std::vector<Drive>> read_drives(const system::Files& files, const Result<std::vector<Mount>>& mounts) {
  const auto names = files.list("/sys/block");
  if (!names) return fail(while_doing("look for drives", names.error()));
  std::vector<std::string> candidates;
  for (const std::string& name : *names) {
    if (!is_namespace(name)) continue;
    const auto hidden = read_optional(files, block + name + "/hidden");
    if (!hidden) return fail(hidden.error());
    if (*hidden != "1") candidates.push_back(name);
  }
  std::vector<Drive> drives;
  if (candidates.empty()) return drives;
  if (!mounts) return fail(while_doing("tell which drives are in use", mounts.error()));
  const auto uses = read_uses(files, *mounts);
  if (!uses) return fail(while_doing("tell which drives are in use", uses.error()));
  for (const std::string& name : candidates) {
    auto drive = read_drive(files, *uses, name);
    if (!drive) return fail(drive.error());
    drives.push_back(std::move(*drive));
  }
  return drives;
}

}  // namespace fettle::facts
