// Staging: a fresh directory (0700) in which the entries of an archive land before anybody accepts them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "archive/reader.h"
#include "base/fd.h"
#include "system/files.h"

namespace fettle::archive {

class Staging {
 public:
  // Makes ".fettle-unpack-NAME" below `destination`; what a killed process left there under this name is
  // removed first. The caller holds a lock that keeps a second process with the same name away.
  static Result<Staging> make(const system::Files& files, std::string_view destination,
                              std::string_view name);

  Staging(Staging&&) noexcept = default;
  Staging& operator=(Staging&&) = delete;
  ~Staging();  // removes it with everything that is still in it

  // Writes the reader's current entry below the staging directory. Every step of the path is opened without
  // following links, an existing name is refused. Files get mode 0644 and directories 0755 (behind the closed
  // staging directory); a file is fsynced. `tick` is asked after each MiB.
  Result<void> put(Reader& reader, const Entry& entry, const std::function<Result<void>()>& tick);

  // The path of an entry that was put, as Files sees it.
  std::string path_of(const Entry& entry) const { return path_ + "/" + entry.path; }

 private:
  Staging(Fd parent, Fd fd, std::string name, std::string path);
  Result<Fd> directory_of(std::string_view path) const;

  Fd parent_;
  Fd fd_;
  std::string name_;
  std::string path_;
};

}  // namespace fettle::archive
