// StreamReader: reads large files once, front to back, at the drive's speed, and leaves the page cache as it
// was.
//
// What the page cache has is copied from there. The rest is read past it (O_DIRECT), four blocks of 2 MiB on
// their way at a time. Where the file system cannot do that, the file goes through the cache and is given
// back behind the reading. One reader reads one file after another and keeps its 8 MiB of buffers.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "system/files.h"

namespace fettle::system {

class StreamReader {
 public:
  StreamReader();
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  // Begins with a file; malformed when it is not a regular one. A link is not followed. Gives what was
  // opened.
  Result<Info> open(const Files& files, std::string_view path);

  // The next bytes, at most 2 MiB; empty at the end of the file as it was when it was opened. They stay until
  // the next call. An error names the path.
  Result<std::string_view> next();

  // refused when size or time of change are not what they were. A file that grew or shrank in the middle of
  // reading is found here.
  Result<void> check_unchanged() const;

 private:
  class Queue;    // reads that the kernel does meanwhile
  struct Region;  // 2 MiB of the file on their way

  void fill();
  Result<std::string_view> copy(Region& region);
  Result<std::string_view> take(Region& region);
  bool is_cached(std::uint64_t offset, std::uint64_t length) const;
  void drain();

  static constexpr std::size_t depth = 4;
  std::unique_ptr<Queue> queue_;
  std::array<std::unique_ptr<Region>, depth> ring_;
  std::size_t first_ = 0;  // the region that is handed out next
  std::size_t used_ = 0;   // how many regions are on their way
  std::string path_;
  Fd fd_;                     // through the page cache
  Fd direct_;                 // past it; nothing where the file system cannot
  Info info_;                 // of the file when it was opened
  std::uint64_t asked_ = 0;   // how far reading was asked for
  bool gives_back_ = false;   // nothing of the file was in the cache, so nothing of it stays there
  bool is_released_ = false;  // the first region was handed out whole and waits to be filled again
};

}  // namespace fettle::system
