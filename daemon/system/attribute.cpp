#include "system/attribute.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace fettle::system {

Result<void> set_attribute(const Files& files, std::string_view path, std::string_view value) {
  // O_TRUNC means nothing to the kernel's attributes, and makes a captured machine's file hold the value
  // alone.
  const auto fd = files.open_at(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  const std::string line = std::string(value) + "\n";
  const ssize_t written = ::write(fd->get(), line.data(), line.size());
  if (written < 0) return fail(cannot("write '" + std::string(value) + "' to", path, errno));
  return {};
}

}  // namespace fettle::system
