// The running kernel.
#include <cctype>

#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {

Kernel parse_kernel_release(std::string_view release) {
  Kernel kernel;
  kernel.release = release;
  if (const auto version = parse_version(release)) kernel.series = version->series();
  // 6.14.0-1017-azure: numbers, build, flavour. The build is absent in kernels that somebody made for
  // themselves.
  const auto parts = split(release, '-');
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const bool build =
        i == 1 && !parts[i].empty() && std::isdigit(static_cast<unsigned char>(parts[i].front())) != 0;
    const bool candidate = i == 1 && parts[i].starts_with("rc");
    if (build || candidate) continue;
    if (!kernel.flavour.empty()) kernel.flavour += '-';
    kernel.flavour += parts[i];
  }
  return kernel;
}

Result<Kernel> read_kernel(const system::Files& files) {
  const auto release = read_value(files, "/proc/sys/kernel/osrelease");
  if (!release) return fail(release.error());
  Kernel kernel = parse_kernel_release(*release);
  if (kernel.series.empty()) {
    return fail(Why::malformed,
                "cannot tell the kernel version: '/proc/sys/kernel/osrelease' holds '" + *release + "'");
  }
  return kernel;
}

}  // namespace fettle::facts
