// Files: the one way to the file system. It is opened once on a root ("/" on a node, a captured machine in
// tests) and resolves every path inside it, absolute symbolic links included (openat2, RESOLVE_IN_ROOT;
// Linux 5.6).
//
// Paths are absolute as seen from the root: "/etc/os-release". Errors name that path in quotes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

struct stat;

namespace fettle::system {

enum class Kind { file, directory, link, block_device, other };

struct Info {
  Kind kind = Kind::other;
  mode_t mode = 0;  // permission bits with setuid, setgid, sticky
  uid_t uid = 0;
  gid_t gid = 0;
  Bytes size;
  dev_t device = 0;  // of the file system it lies on
  dev_t node = 0;    // major and minor, when it is a device node
  ino_t inode = 0;
  std::chrono::system_clock::time_point modified;
};

struct Space {
  Bytes total;
  Bytes available;  // to users without privileges
  std::uint64_t inodes_available = 0;
};

// Ids to give a new file; left alone when empty.
struct Owner {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
};

// What an open descriptor is; `path` is for the error.
Result<Info> look_at(const Fd& fd, std::string_view path);

// What stat(2) told.
Info info_of(const struct stat& told);

class Files {
 public:
  static Result<Files> open(const std::string& root);

  // The same root for paths that somebody else may change while root acts, a home directory say: whatever
  // link stands on the way, and whenever it came, is refused (RESOLVE_NO_SYMLINKS).
  Result<Files> without_links() const;

  // Whole text of a regular file or sysfs attribute. A file above the limit is an error, never cut. Never
  // blocks on a FIFO or a device: those are refused.
  Result<std::string> read(std::string_view path, Bytes limit = 1_MiB) const;

  // Names in a directory, sorted, without "." and "..".
  Result<std::vector<std::string>> list(std::string_view path) const;

  // Where a symbolic link points, as it is written.
  Result<std::string> read_link(std::string_view path) const;

  // The last part of the path is not followed when it is a link.
  Result<Info> look(std::string_view path) const;

  // As look(), following links.
  Result<Info> look_through(std::string_view path) const;

  // true or false only when the answer is known; "may not look" is an error.
  Result<bool> exists(std::string_view path) const;

  Result<Space> space(std::string_view path) const;

  // Replaces the file in one step: temporary file beside it, fsync, rename, fsync of the directory. Missing
  // parent directories are made with mode 0755. The same content and mode are not written again: already_so.
  Result<Outcome> write(std::string_view path, std::string_view content, mode_t mode = 0644,
                        Owner owner = {}) const;

  // Makes the directory and missing parents (0755), or mends mode and owner of an existing one; never
  // anything below it. A link or a file in its place is refused.
  Result<Outcome> make_directory(std::string_view path, mode_t mode, Owner owner = {}) const;

  // Sets the permission bits of a file or directory; a link is refused.
  Result<Outcome> set_mode(std::string_view path, mode_t mode) const;

  // Points the link at `target`, replacing a link in one step; anything else in its place is refused.
  Result<Outcome> set_link(std::string_view path, std::string_view target) const;

  // Removes a file or link; nothing there is already_so.
  Result<Outcome> remove(std::string_view path) const;

  // Gives a file, link or directory another name on the same file system, replacing a file in one step.
  Result<void> rename(std::string_view from, std::string_view to) const;

  // A descriptor for the doors that need one (archives, block devices). `flags` as for open(2); O_CLOEXEC is
  // added.
  Result<Fd> open_at(std::string_view path, int flags, mode_t mode = 0) const;

  // The path as other programs see it: the root in front.
  std::string host_path(std::string_view path) const;

  // True on "/": then programs act on the machine that the files describe.
  bool is_the_machine() const { return root_ == "/"; }

 private:
  Files(Fd fd, std::string root) : fd_(std::move(fd)), root_(std::move(root)) {}

  enum class LinksOnTheWay { followed, refused };

  int open_inside(std::string_view path, int flags, mode_t mode) const;
  Result<Info> look_with(std::string_view path, int extra_flags) const;
  Result<Fd> open_parent(std::string_view path, std::string& name) const;
  Result<void> make_parents(std::string_view path) const;

  Fd fd_;
  std::string root_;
  LinksOnTheWay links_ = LinksOnTheWay::followed;
};

}  // namespace fettle::system
