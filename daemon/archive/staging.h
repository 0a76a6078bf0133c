// Staging: a fresh directory (0700) in which foreign files land before anybody accepts them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "archive/reader.h"
#include "base/fd.h"
#include "system/files.h"

namespace fettle::archive {

// When files reach the drive: each before the next one, for terabytes that may be cut off anywhere; or all of
// them in sync(), for thousands of small ones.
enum class Durable { each_file, at_sync };

class Staging {
 public:
  // Makes ".fettle-unpack-NAME" below `destination`; what a killed process left there under this name is
  // removed first. The caller holds a lock that keeps a second process with the same name away.
  static Result<Staging> make(const system::Files& files, std::string_view destination, std::string_view name,
                              Durable durable = Durable::each_file);
  // Removes what a killed process left there under this name; nothing there is fine.
  static Result<void> clear(const system::Files& files, std::string_view destination, std::string_view name);

  Staging(Staging&&) noexcept = default;
  Staging& operator=(Staging&&) = delete;
  ~Staging();  // removes it with everything that is still in it

  // Writes the reader's current entry below the staging directory. Every step of the path is opened without
  // following links, an existing name is refused. Files get mode 0644 and directories 0755 (behind the closed
  // staging directory). `tick` is asked after each MiB.
  Result<void> put(Reader& reader, const Entry& entry, const std::function<Result<void>()>& tick);

  // The two halves of putting a file that comes from elsewhere: an empty one (0600) at a checked path, and,
  // once it has its content, mode 0644 and, with Durable::each_file, fsync.
  Result<Fd> create(std::string_view path) const;
  Result<void> seal(const Fd& fd, std::string_view path) const;

  // Everything that was put, and whatever else its file system has not written yet, is on the drive when it
  // returns.
  Result<void> sync() const;

  // The path of what was put, as Files sees it.
  std::string path_of(std::string_view path) const { return path_ + "/" + std::string(path); }
  std::string path_of(const Entry& entry) const { return path_of(std::string_view(entry.path)); }

 private:
  Staging(Fd parent, Fd fd, std::string name, std::string path, Durable durable);
  static Result<Fd> open_cleared(const system::Files& files, std::string_view destination,
                                 std::string_view name);
  Result<Fd> directory_of(std::string_view path) const;
  Result<void> put_file(Reader& reader, const Entry& entry, const std::function<Result<void>()>& tick) const;

  Fd parent_;
  Fd fd_;
  std::string name_;
  std::string path_;
  Durable durable_;
};

}  // namespace fettle::archive
