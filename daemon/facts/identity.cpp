// Who this machine is, how large it is and how long it has been up.
#include <cctype>

#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {

Result<Identity> read_identity(const system::Files& files) {
  Identity identity;
  const auto machine = read_value(files, "/etc/machine-id");
  if (!machine) return fail(machine.error());
  const bool is_id =
      machine->size() == 32 && machine->find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_id) {
    return fail(Why::malformed,
                "cannot tell which machine this is: '/etc/machine-id' does not hold 32 hexadecimal digits",
                "systemd writes it at the first boot; `systemd-machine-id-setup` does it now");
  }
  const auto boot = read_value(files, "/proc/sys/kernel/random/boot_id");
  if (!boot) return fail(boot.error());
  const auto product = read_value(files, "/sys/class/dmi/id/product_uuid");
  if (!product && product.error().why != Why::missing && product.error().why != Why::denied)
    return fail(product.error());
  identity.machine_id = *machine;
  identity.boot_id = *boot;
  if (product) identity.product_uuid = *product;
  return identity;
}

Result<Bytes> read_memory(const system::Files& files) {
  const std::string path = "/proc/meminfo";
  const auto text = files.read(path, 64_KiB);
  if (!text) return fail(text.error());
  for (const std::string_view line : lines(*text)) {
    constexpr std::string_view key = "MemTotal:";
    if (!line.starts_with(key)) continue;
    const auto words = split(trim(line.substr(key.size())), ' ');
    const auto count = to_number<std::uint64_t>(words.front());
    if (count && words.back() == "kB" && *count < (1ULL << 50U)) return Bytes{*count * 1024};
  }
  return fail(Why::malformed, "cannot read '" + path + "': it has no line 'MemTotal: N kB'");
}

Result<std::chrono::seconds> read_uptime(const system::Files& files) {
  const std::string path = "/proc/uptime";
  const auto text = read_value(files, path);
  if (!text) return fail(text.error());
  const auto whole = to_number<std::uint32_t>(std::string_view(*text).substr(0, text->find('.')));
  if (!whole)
    return fail(Why::malformed, "cannot read '" + path + "': '" + *text + "' does not start with seconds");
  return std::chrono::seconds(*whole);
}

}  // namespace fettle::facts
