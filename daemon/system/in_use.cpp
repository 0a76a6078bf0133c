#include "system/in_use.h"

#include <fcntl.h>

#include <cerrno>

namespace fettle::system {

Result<bool> is_in_use(const Files& files, std::string_view path) {
  const auto fd = files.open_at(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  if (::fcntl(fd->get(), F_SETLEASE, F_WRLCK) == 0) {
    ::fcntl(fd->get(), F_SETLEASE, F_UNLCK);
    return false;
  }
  if (errno == EAGAIN || errno == EBUSY) return true;
  return fail(
      cannot("ask who uses", path, errno, "the file's owner and root may ask, on a local file system"));
}

}  // namespace fettle::system
