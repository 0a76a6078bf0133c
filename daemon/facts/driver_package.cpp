// The driver release, which only the package's version tells: from dpkg's status file, in one pass.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>

#include "base/text.h"
#include "facts/readers.h"

namespace fettle::facts {
namespace {

constexpr std::string_view status_file = "/var/lib/dpkg/status";
constexpr std::string_view package = "Package: amdgpu-dkms\n";
// A full desktop has 10 MiB of it; a hundred are somebody's mistake or malice.
constexpr Bytes status_limit = 100_MiB;
// The longest stanza of a real package is about 60 KiB (dependency lists); ours has 1 KiB.
constexpr std::size_t stanza_limit = 256 << 10U;

// The package's stanza, or an empty text when dpkg does not know the package. Reads in pieces: the file is
// too large to hold for one line of it.
Result<std::string> stanza_of_driver(const system::Files& files) {
  const auto fd = files.open_at(status_file, O_RDONLY | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  std::string window = "\n";  // the line end before the first stanza
  const std::string start = "\n" + std::string(package);
  std::array<char, 128 << 10U> piece{};
  Bytes seen;
  bool found = false;
  while (true) {
    const ssize_t got = ::read(fd->get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(cannot("read", status_file, errno));
    if (got == 0) break;
    seen += Bytes{static_cast<std::uint64_t>(got)};
    if (seen > status_limit) {
      return fail(Why::malformed, "cannot read '" + std::string(status_file) + "': it is larger than " +
                                      to_text(status_limit));
    }
    window.append(piece.data(), static_cast<std::size_t>(got));
    if (!found) {
      const auto at = window.find(start);
      found = at != std::string::npos;
      // What may be the beginning of our stanza stays.
      window.erase(0, found ? at + 1 : window.size() - std::min(window.size(), start.size() - 1));
    }
    if (found) {
      const auto end = window.find("\n\n");
      if (end != std::string::npos) return window.substr(0, end);
      if (window.size() > stanza_limit) {
        return fail(Why::malformed,
                    "cannot read '" + std::string(status_file) + "': the entry of amdgpu-dkms has no end");
      }
    }
  }
  return found ? window : std::string();
}

std::string_view field(std::string_view stanza, std::string_view name) {
  for (const std::string_view line : lines(stanza)) {
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':'))
      return trim(line.substr(name.size() + 1));
  }
  return {};
}

// 30100200 -> 30.10.2 and 60402 -> 6.4.2: two digits each for minor and patch; since driver 30 two more
// follow.
std::string release_of_digits(std::string_view digits) {
  auto number = to_number<unsigned long>(digits);
  if (!number || digits.size() < 5 || digits.size() > 8) return {};
  if (digits.size() > 6) *number /= 100;
  return std::to_string(*number / 10000) + "." + std::to_string(*number / 100 % 100) + "." +
         std::to_string(*number % 100);
}

}  // namespace

Result<DriverPackage> parse_driver_package(std::string_view version) {
  DriverPackage found{.installed = true, .version = std::string(version)};
  std::string_view upstream = version;
  if (const auto epoch = upstream.find(':'); epoch != std::string_view::npos)
    upstream.remove_prefix(epoch + 1);
  upstream = upstream.substr(0, upstream.find('-'));
  const auto last = upstream.rfind('.');
  if (last != std::string_view::npos) {
    found.module_version = upstream.substr(0, last);
    found.release = release_of_digits(upstream.substr(last + 1));
  }
  if (found.release.empty() || !parse_version(found.module_version)) {
    return fail(Why::malformed,
                "cannot tell the driver release from version '" + std::string(version) + "' of amdgpu-dkms",
                "expected MODULE.DIGITS-BUILD, such as 1:6.14.14.30100200-2226257.24.04");
  }
  return found;
}

Result<DriverPackage> read_driver_package(const system::Files& files) {
  const auto stanza = stanza_of_driver(files);
  if (!stanza) return fail(while_doing("tell the driver release", stanza.error()));
  if (stanza->empty()) return DriverPackage{};
  // "install ok installed": what is wanted, whether it is in order, what is there.
  const auto words = split(field(*stanza, "Status"), ' ');
  const std::string_view state = words.back();
  if (state == "not-installed" || state == "config-files") return DriverPackage{};
  if (state != "installed" && state != "triggers-awaited" && state != "triggers-pending") {
    return fail(Why::failed,
                "cannot rely on the driver release: dpkg has amdgpu-dkms as '" + std::string(state) + "'",
                "its installation did not end; `dpkg --configure -a` finishes it or says why not");
  }
  return parse_driver_package(field(*stanza, "Version"));
}

}  // namespace fettle::facts
