// Directory: one open directory, for walks over thousands of files. Files resolves every path from the root
// anew; here a name costs one system call. Names have no "/" in them, and no link is followed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "system/files.h"

namespace fettle::system {

class Directory {
 public:
  // What the listing tells without another look. `other` also when the file system does not tell: then
  // look().
  struct Entry {
    std::string_view name;
    Kind kind = Kind::other;
  };

  static Result<Directory> open(const Files& files, std::string_view path);

  // A directory in this one; missing when there is none of this name.
  Result<Directory> open(std::string_view name) const;

  // Every name but "." and "..", in no order. The entry lasts as long as the call.
  Result<void> each(const std::function<void(const Entry&)>& visit) const;

  Result<Info> look(std::string_view name) const;

  // Where a link points, as it is written.
  Result<std::string> read_link(std::string_view name) const;

  // A small file's text, at most `limit` bytes of it.
  Result<std::string> read(std::string_view name, std::size_t limit) const;

  const std::string& path() const { return path_; }

  // See remove_directory().
  Result<void> remove_empty(std::string_view name) const;

 private:
  Directory(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  std::string below(std::string_view name) const { return path_ + "/" + std::string(name); }

  Fd fd_;
  std::string path_;
  mutable bool was_listed_ = false;  // the second listing begins anew
};

// Removes a directory that is empty. One that is not stays, and one that is not there is gone already: no
// errors.
Result<void> remove_directory(const Files& files, std::string_view path);

}  // namespace fettle::system
