#include "system/lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <string>

namespace fettle::system {

Result<void> lock(const Fd& fd, std::string_view path, Clock& clock, std::chrono::milliseconds wait) {
  const auto until = clock.steady() + wait;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return fail(cannot("lock", path, errno));
    if (clock.steady() >= until) {
      return fail(Why::timed_out, "cannot lock '" + std::string(path) + "': another process holds it",
                  "try again when that one is done; `lslocks` names it");
    }
    clock.sleep_for(std::chrono::milliseconds(50));
  }
  return {};
}

Result<Fd> lock(const Files& files, std::string_view path, int flags, Clock& clock,
                std::chrono::milliseconds wait) {
  auto fd = files.open_at(path, flags, 0600);
  if (!fd) return fail(fd.error());
  if (const auto locked = lock(*fd, path, clock, wait); !locked) return fail(locked.error());
  return std::move(*fd);
}

Result<Fd> lock_file(const Files& files, std::string_view path, Clock& clock,
                     std::chrono::milliseconds wait) {
  const std::string_view parent = path.substr(0, path.find_last_of('/'));
  if (const auto there = files.exists(parent); there && !*there) {
    if (const auto made = files.make_directory(parent, 0755); !made) return fail(made.error());
  }
  return lock(files, path, O_RDWR | O_CREAT | O_NOFOLLOW, clock, wait);
}

}  // namespace fettle::system
