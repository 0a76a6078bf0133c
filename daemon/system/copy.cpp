#include "system/copy.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace fettle::system {
namespace {

// Small enough that progress and a stop on request are seen within a second on a slow disk.
constexpr std::size_t piece = 8U << 20U;

bool is_not_possible_here(int err) {
  return err == EXDEV || err == EINVAL || err == ENOSYS || err == EOPNOTSUPP || err == EPERM || err == EBADF;
}

// Goes on from where both files stand.
Result<Bytes> read_and_write(const Fd& from, const Fd& to, std::string_view path,
                             const std::function<Result<void>()>& tick) {
  Bytes copied;
  std::vector<char> buffer(piece);
  while (true) {
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(cannot("copy", path, errno));
    if (got == 0) return copied;
    for (ssize_t written = 0; written < got;) {
      const ssize_t done =
          ::write(to.get(), buffer.data() + written, static_cast<std::size_t>(got - written));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return fail(cannot("copy", path, errno));
      written += done;
    }
    copied += {static_cast<std::uint64_t>(got)};
    if (auto goes_on = tick(); !goes_on) return fail(goes_on.error());
  }
}

}  // namespace

Result<Bytes> copy_content(const Fd& from, const Fd& to, std::string_view path,
                           const std::function<Result<void>()>& tick) {
  if (::ioctl(to.get(), FICLONE, from.get()) == 0) {
    struct stat st {};
    if (::fstat(to.get(), &st) != 0) return fail(cannot("copy", path, errno));
    if (auto goes_on = tick(); !goes_on) return fail(goes_on.error());
    return Bytes{static_cast<std::uint64_t>(st.st_size)};
  }
  Bytes copied;
  while (true) {
    const ssize_t done = ::copy_file_range(from.get(), nullptr, to.get(), nullptr, piece, 0);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && !is_not_possible_here(errno)) return fail(cannot("copy", path, errno));
    // 0 is the end, but some file systems also give it for what they cannot copy: a read decides.
    if (done <= 0) break;
    copied += {static_cast<std::uint64_t>(done)};
    if (auto goes_on = tick(); !goes_on) return fail(goes_on.error());
  }
  const auto rest = read_and_write(from, to, path, tick);
  if (!rest) return fail(rest.error());
  return copied + *rest;
}

}  // namespace fettle::system
