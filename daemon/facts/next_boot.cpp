// What the next boot will find: kernels below /boot, modules, headers, DKMS, Secure Boot.
#include "facts/next_boot.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

constexpr std::string_view prefix = "vmlinuz-";

// By number, then by the text behind it: 6.14.0-33-generic is newer than 6.14.0-9-generic, which no order of
// letters says. Builds of one release differ in the number after the first '-'.
std::vector<unsigned> numbers_of(std::string_view release) {
  std::vector<unsigned> numbers;
  unsigned at = 0;
  bool inside = false;
  for (const char c : release) {
    if (c >= '0' && c <= '9') {
      at = at > 100'000'000U ? at : at * 10 + static_cast<unsigned>(c - '0');
      inside = true;
    } else {
      if (inside) numbers.push_back(at);
      if (c != '.' && c != '-') return numbers;
      at = 0;
      inside = false;
    }
  }
  if (inside) numbers.push_back(at);
  return numbers;
}

Result<std::string> newest_kernel(const system::Files& files) {
  const auto names = files.list("/boot");
  if (!names) return fail(names.error());
  std::string newest;
  for (const std::string& name : *names) {
    if (!std::string_view(name).starts_with(prefix)) continue;
    const std::string release = name.substr(prefix.size());
    if (release.empty() || release.size() > 128 || numbers_of(release).size() < 2)
      continue;  // vmlinuz-rescue
    if (newest.empty() || numbers_of(newest) < numbers_of(release)) newest = release;
  }
  if (newest.empty())
    return fail(Why::missing, "cannot tell the kernel of the next boot: '/boot' has no vmlinuz-RELEASE",
                "a container, or kernels that lie elsewhere");
  return newest;
}

// The module under any of the endings that modprobe knows; empty when there is none.
Result<std::string> module_at(const system::Files& files, const std::string& base) {
  for (const char* const ending : {"", ".zst", ".xz", ".gz"}) {
    const auto there = files.exists(base + ending);
    if (!there) return fail(there.error());
    if (*there) return base + ending;
  }
  return std::string();
}

Fact<SecureBoot> read_secure_boot(const system::Files& files) {
  const auto firmware = files.exists("/sys/firmware/efi");
  if (!firmware) return fail(firmware.error());
  if (!*firmware) return SecureBoot::off;  // started by a BIOS
  // Four bytes of attributes, then the value.
  const std::string path = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
  const auto variable = files.read(path, 64_KiB);
  if (!variable && variable.error().why == Why::missing) {
    const auto mounted = files.list("/sys/firmware/efi/efivars");
    if (mounted && !mounted->empty()) return SecureBoot::off;  // a firmware that does not know it
    return fail(Why::missing, "cannot tell whether Secure Boot is on: efivarfs is not mounted",
                "`mokutil --sb-state` as root");
  }
  if (!variable) return fail(variable.error());
  if (variable->size() != 5)
    return fail(Why::malformed, "cannot read '" + path + "': it does not have five bytes");
  return variable->back() == '\1' ? SecureBoot::on : SecureBoot::off;
}

Fact<Signature> read_signature(const system::Files& files, const std::string& module) {
  constexpr std::string_view mark = "~Module signature appended~\n";
  if (module.empty()) return fail(Why::missing, "cannot tell who signed the driver: there is none");
  if (!module.ends_with(".ko"))
    return fail(Why::missing, "cannot tell who signed '" + module + "': it is compressed, or not to be seen",
                "`modinfo -F signer " + module + "`");
  const auto fd = files.open_at(module, O_RDONLY | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  const auto info = system::look_at(*fd, module);
  if (!info) return fail(info.error());
  if (info->size.count < mark.size()) return Signature::absent;
  std::array<char, mark.size()> end{};
  const auto at = static_cast<off_t>(info->size.count - mark.size());
  if (::pread(fd->get(), end.data(), end.size(), at) != static_cast<ssize_t>(end.size()))
    return fail(cannot("read", module, errno));
  return std::string_view(end.data(), end.size()) == mark ? Signature::present : Signature::absent;
}

// The newest of what DKMS knows: /var/lib/dkms/amdgpu/VERSION. Links there are kernels.
Result<std::string> dkms_version(const system::Files& files) {
  const auto names = list_optional(files, "/var/lib/dkms/amdgpu");
  if (!names) return fail(names.error());
  std::string newest;
  for (const std::string& name : *names) {
    const auto source = files.look("/var/lib/dkms/amdgpu/" + name + "/source");
    if (source && (newest.empty() || numbers_of(newest) < numbers_of(name))) newest = name;
  }
  return newest;
}

// DKMS links kernel-RELEASE-ARCHITECTURE to what it installed for that kernel.
Result<std::string> installed_by_dkms(const system::Files& files, const std::string& kernel) {
  const std::string directory = "/var/lib/dkms/amdgpu";
  const auto names = list_optional(files, directory);
  if (!names) return fail(names.error());
  for (const std::string& name : *names) {
    if (name.starts_with("kernel-" + kernel + "-")) return directory + "/" + name;
  }
  return std::string();
}

Result<std::string> chosen_by_hand(const system::Files& files) {
  const auto text = files.read("/etc/default/grub", 1_MiB);
  if (!text && text.error().why == Why::missing) return std::string();
  if (!text) return fail(text.error());
  std::string chosen;
  for (const std::string_view line : lines(*text)) {
    constexpr std::string_view key = "GRUB_DEFAULT=";
    if (trim(line).starts_with(key)) chosen = trim(trim(line).substr(key.size()));
  }
  for (const std::string_view first : {"0", "\"0\"", "'0'"}) {
    if (chosen == first) return std::string();
  }
  return chosen.substr(0, 200);
}

}  // namespace

Result<NextBoot> read_next_boot(const system::Files& files) {
  auto kernel = newest_kernel(files);
  if (!kernel) return fail(kernel.error());
  NextBoot next;
  next.kernel = std::move(*kernel);
  const std::string modules = "/lib/modules/" + next.kernel;
  auto dkms = module_at(files, modules + "/updates/dkms/amdgpu.ko");
  auto own = module_at(files, modules + "/kernel/drivers/gpu/drm/amd/amdgpu/amdgpu.ko");
  auto headers = files.exists(modules + "/build/Makefile");
  if (!dkms && dkms.error().why == Why::denied) {
    // Services with ProtectKernelModules= do not see modules at all; what DKMS notes of itself they do.
    dkms = installed_by_dkms(files, next.kernel);
    own = std::string();
    headers = files.exists("/usr/src/linux-headers-" + next.kernel + "/Makefile");
  }
  if (!dkms) return fail(dkms.error());
  if (!own) return fail(own.error());
  if (!headers) return fail(headers.error());
  auto version = dkms_version(files);
  if (!version) return fail(version.error());
  auto by_hand = chosen_by_hand(files);
  if (!by_hand) return fail(by_hand.error());
  next.dkms_module = std::move(*dkms);
  next.own_module = std::move(*own);
  next.has_headers = *headers;
  next.dkms_version = std::move(*version);
  next.chosen_by_hand = std::move(*by_hand);
  next.has_owner_key = files.exists("/var/lib/shim-signed/mok/MOK.der").value_or(false);
  next.secure_boot = read_secure_boot(files);
  next.signature = read_signature(files, next.dkms_module);
  return next;
}

}  // namespace fettle::facts
