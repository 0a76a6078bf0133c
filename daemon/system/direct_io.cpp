#include "system/direct_io.h"

#include <fcntl.h>

namespace fettle::system {

Result<Fd> open_direct(const Files& files, std::string_view path, int flags, mode_t mode) {
  auto fd = files.open_at(path, flags | O_DIRECT, mode);
  if (fd) return fd;
  const auto info = files.look_through(path);
  if (!info || info->kind != Kind::file) return fd;
  return files.open_at(path, flags, mode);
}

bool is_direct(const Fd& fd) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  return flags >= 0 && (flags & O_DIRECT) != 0;
}

}  // namespace fettle::system
