#include "system/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace fettle::system {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

constexpr std::uint64_t block = 512;             // st_blocks counts in these
constexpr std::size_t deepest = 64;              // each level holds a descriptor
constexpr std::uint64_t ask_clock_every = 1024;  // entries

class Walk {
 public:
  Walk(const Clock& clock, UsageLimits limits)
      : clock_(clock), limits_(limits), until_(clock.steady() + limits.time) {}

  // Takes the descriptor. False when a limit ended it.
  bool enter(Fd fd, std::size_t depth) {
    struct stat own {};
    if (::fstat(fd.get(), &own) != 0) return give_up();
    if (depth == 0) device_ = own.st_dev;
    if (own.st_dev != device_) return true;  // somebody mounted something else there
    usage_.used += {static_cast<std::uint64_t>(own.st_blocks) * block};
    const int number = fd.get();
    const Directory directory(::fdopendir(number));
    if (!directory) return give_up();
    (void)fd.release();  // the directory closes it
    while (const dirent* const entry = ::readdir(directory.get())) {
      const std::string name(entry->d_name);
      if (name == "." || name == "..") continue;
      if (++seen_ > limits_.entries || (seen_ % ask_clock_every == 0 && clock_.steady() > until_)) {
        usage_.whole = false;
        return false;
      }
      struct stat st {};
      if (::fstatat(number, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) (void)give_up();
        continue;
      }
      if (!S_ISDIR(st.st_mode)) {
        add(st);
      } else if (!enter_below(number, name, depth)) {
        return false;
      }
    }
    return true;
  }

  const Usage& usage() const { return usage_; }

 private:
  // What could not be looked at leaves a lower bound; the rest is still counted.
  bool give_up() {
    usage_.whole = false;
    return true;
  }

  bool enter_below(int parent, const std::string& name, std::size_t depth) {
    if (depth + 1 >= deepest) return give_up();
    Fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return errno == ENOENT ? true : give_up();
    return enter(std::move(fd), depth + 1);
  }

  void add(const struct stat& st) {
    ++usage_.files;
    if (st.st_nlink > 1 && !several_names_.insert(st.st_ino).second) return;
    usage_.used += {static_cast<std::uint64_t>(st.st_blocks) * block};
  }

  const Clock& clock_;
  UsageLimits limits_;
  std::chrono::steady_clock::time_point until_;
  dev_t device_ = 0;
  std::uint64_t seen_ = 0;
  std::set<ino_t> several_names_;
  Usage usage_;
};

}  // namespace

Result<Usage> measure_usage(const Files& files, std::string_view directory, const Clock& clock,
                            UsageLimits limits) {
  auto fd = files.open_at(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return fail(fd.error());
  Walk walk(clock, limits);
  (void)walk.enter(std::move(*fd), 0);
  return walk.usage();
}

}  // namespace fettle::system
