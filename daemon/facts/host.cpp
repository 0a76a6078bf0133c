// The host around the GPUs: firmware's words, processors, swap, clock, InfiniBand, groups.
#include "facts/host.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "facts/clock.h"
#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

// What hypervisors write into the DMI of their guests; the product decides where the vendor also sells iron.
struct Guest {
  std::string_view vendor;   // begins with; empty = any
  std::string_view product;  // begins with; empty = any
};
constexpr std::array guests{
    Guest{"Microsoft Corporation", "Virtual Machine"},
    Guest{"QEMU", ""},
    Guest{"Google", "Google Compute Engine"},
    Guest{"VMware", ""},
    Guest{"innotek GmbH", ""},
    Guest{"Xen", ""},
    Guest{"OpenStack Foundation", ""},
    Guest{"DigitalOcean", ""},
    Guest{"", "KVM"},
    Guest{"", "OpenStack"},
};

bool is_guest(const Hardware& hardware) {
  // EC2 sells both under one name; the iron has "metal" in it.
  if (hardware.vendor == "Amazon EC2") return hardware.product.find("metal") == std::string::npos;
  return std::any_of(guests.begin(), guests.end(), [&](const Guest& guest) {
    return hardware.vendor.starts_with(guest.vendor) && hardware.product.starts_with(guest.product);
  });
}

// "0-3,8": how many processors that is, and the first of them; 4096 is more than a kernel counts.
struct CpuList {
  std::vector<unsigned> cpus;
};

Result<CpuList> read_cpu_list(const system::Files& files, const std::string& path) {
  const auto text = read_value(files, path);
  if (!text) return fail(text.error());
  constexpr unsigned most = 8192;
  CpuList list;
  for (const std::string_view range : split(*text, ',')) {
    const auto dash = range.find('-');
    const auto first = to_number<unsigned>(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : to_number<unsigned>(range.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= most)
      return fail(Why::malformed, "cannot read '" + path + "': '" + text->substr(0, 80) + "' is no list");
    for (unsigned cpu = *first; cpu <= *last && list.cpus.size() < most; ++cpu) list.cpus.push_back(cpu);
  }
  return list;
}

// "400 Gb/sec (4X NDR)"
unsigned gbit_of(std::string_view rate) {
  const std::string_view number = rate.substr(0, rate.find_first_of(" ."));
  return to_number<unsigned>(number).value_or(0);
}

Result<InfinibandPort> read_port(const system::Files& files, const std::string& device,
                                 const std::string& port) {
  const std::string directory = "/sys/class/infiniband/" + device + "/ports/" + port;
  auto state = read_value(files, directory + "/state");
  if (!state) return fail(state.error());
  const auto rate = read_optional(files, directory + "/rate");
  if (!rate) return fail(rate.error());
  // "4: ACTIVE"; the number is of the standard, the word may change.
  const bool is_active = state->starts_with("4:");
  return InfinibandPort{device, port, is_active, std::move(*state), gbit_of(*rate)};
}

}  // namespace

Result<Hardware> read_hardware(const system::Files& files) {
  const auto vendor = read_optional(files, "/sys/class/dmi/id/sys_vendor");
  if (!vendor) return fail(vendor.error());
  const auto product = read_optional(files, "/sys/class/dmi/id/product_name");
  if (!product) return fail(product.error());
  Hardware hardware{*vendor, *product};
  hardware.is_virtual = is_guest(hardware);
  return hardware;
}

Result<Cpus> read_cpus(const system::Files& files) {
  const std::string root = "/sys/devices/system/cpu";
  const auto online = read_cpu_list(files, root + "/online");
  if (!online) return fail(online.error());
  std::set<unsigned> left(online->cpus.begin(), online->cpus.end());
  Cpus cpus;
  cpus.threads = static_cast<unsigned>(left.size());
  // One read a socket instead of two a processor: the kernel lists who shares a package with whom.
  unsigned threads_of_core = 0;
  while (!left.empty()) {
    const std::string topology = root + "/cpu" + std::to_string(*left.begin()) + "/topology";
    const auto package = read_cpu_list(files, topology + "/package_cpus_list");
    if (!package) return fail(package.error());
    if (threads_of_core == 0) {
      const auto core = read_cpu_list(files, topology + "/core_cpus_list");
      if (!core) return fail(core.error());
      threads_of_core = static_cast<unsigned>(core->cpus.size());
    }
    ++cpus.sockets;
    left.erase(left.begin());
    for (const unsigned cpu : package->cpus) left.erase(cpu);
  }
  cpus.cores = cpus.threads / std::max(1U, threads_of_core);
  return cpus;
}

Result<std::vector<Swap>> read_swaps(const system::Files& files) {
  const std::string path = "/proc/swaps";
  const auto text = files.read(path, 1_MiB);
  if (!text && text.error().why == Why::missing) return std::vector<Swap>();  // a kernel without swap
  if (!text) return fail(text.error());
  std::vector<Swap> swaps;
  for (const std::string_view line : lines(*text)) {
    // Filename  Type  Size  Used  Priority, the size in KiB
    std::vector<std::string_view> words;
    for (const char separator : {'\t', ' '}) {
      std::vector<std::string_view> some;
      for (const std::string_view word : words.empty() ? std::vector<std::string_view>{line} : words) {
        for (const std::string_view part : split(word, separator)) {
          if (!part.empty()) some.push_back(part);
        }
      }
      words = std::move(some);
    }
    if (words.empty() || words.front() == "Filename") continue;
    const auto size = words.size() < 3 ? std::nullopt : to_number<std::uint64_t>(words[2]);
    if (!size || *size > (1ULL << 50U))
      return fail(Why::malformed, "cannot read '" + path + "': a line does not have the fields of a swap");
    swaps.push_back({unescape_octal(words.front()), Bytes{*size * 1024}});
  }
  return swaps;
}

Result<system::TimeSync> read_time_sync(const system::Files& files,
                                        const Result<std::chrono::seconds>& uptime) {
  // The kernel knows best, but the daemon may not ask it, and files of another machine have none.
  if (files.is_the_machine()) {
    if (auto asked = system::ask_time_sync()) return asked;
  }
  const auto collected = read_clock_trial(files, uptime);
  if (collected && collected->sync) return collected->sync;
  // systemd-timesyncd makes it when it has the time; other programs leave no such mark.
  const auto mark = files.exists("/run/systemd/timesync/synchronized");
  if (!mark) return fail(mark.error());
  if (*mark) return system::TimeSync::synchronised;
  if (!files.is_the_machine())
    return fail(Why::missing, "cannot tell whether the clock is kept right: only the running kernel knows");
  return fail(collected ? collected->sync.error() : collected.error());
}

Result<std::vector<InfinibandPort>> read_infiniband(const system::Files& files) {
  const auto devices = list_optional(files, "/sys/class/infiniband");
  if (!devices) return fail(devices.error());
  std::vector<InfinibandPort> ports;
  for (const std::string& device : *devices) {
    const auto names = list_optional(files, "/sys/class/infiniband/" + device + "/ports");
    if (!names) return fail(names.error());
    for (const std::string& name : *names) {
      auto port = read_port(files, device, name);
      if (!port && port.error().why == Why::missing) continue;  // unplugged since it was listed
      if (!port) return fail(port.error());
      ports.push_back(std::move(*port));
    }
  }
  return ports;
}

Result<GpuAccess> read_gpu_access(const system::Files& files) {
  const std::string path = "/etc/group";
  const auto text = files.read(path, 16_MiB);
  if (!text) return fail(text.error());
  GpuAccess access;
  for (const std::string_view line : lines(*text)) {
    const auto words = split(line, ':');  // render:x:993:ubuntu,other
    if (words.size() != 4) continue;      // "+" of NIS and comments
    if (const auto number = to_number<unsigned>(words[2])) access.numbers[std::string(words[0])] = *number;
    auto& members = access.members[std::string(words[0])];
    for (const std::string_view member : split(words[3], ',')) {
      if (!trim(member).empty()) members.emplace_back(trim(member));
    }
  }
  const auto kfd = files.look("/dev/kfd");
  access.open_to_all = kfd && (kfd->mode & 0006U) == 0006U;
  return access;
}

}  // namespace fettle::facts
