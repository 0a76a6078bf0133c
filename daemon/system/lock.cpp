#include "system/lock.h"

#include <sys/file.h>

#include <cerrno>
#include <string>

namespace fettle::system {

Result<Fd> lock(const Files& files, std::string_view path, int flags, Clock& clock, std::chrono::milliseconds wait) {
  auto fd = files.open_at(path, flags, 0600);
  if (!fd) return fail(fd.error());
  const auto until = clock.steady() + wait;
  while (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return fail(cannot("lock", path, errno));
    if (clock.steady() >= until) {
      return fail(Why::timed_out, "cannot lock '" + std::string(path) + "': another process holds it",
                  "try again when that one is done; `lslocks` names it");
    }
    clock.sleep_for(std::chrono::milliseconds(50));
  }
  return std::move(*fd);
}

}  // namespace fettle::system
