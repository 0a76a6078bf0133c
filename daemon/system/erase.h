// Erasing: the one place that writes to drives itself. It leaves a drive blank by our own definition
// (system::is_blank), and goes about it so that a drive can be recognised until the very last write.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"
#include "system/files.h"

namespace fettle::system {

// The 4 KiB block by which a drive is known to be ours, as its offset. It goes last: killed at any point, a
// drive either still carries it or is blank.
enum class Mark : std::uint64_t {
  filesystem = 0,       // XFS' superblock
  array_member = 4096,  // md's superblock, version 1.2
};

// A drive open for us alone. Nothing is written before erase_all_but().
class Eraser {
 public:
  // refused when somebody uses the drive; failed when the node is not `node` or not `size` long.
  static Result<Eraser> open(const Files& files, std::string_view device, Bytes size, dev_t node);

  // Zeros everywhere that is_blank() looks, and where the members' data begins (a filesystem would come back
  // with the next array of the same shape otherwise); the mark stays. On the drive when it returns.
  Result<void> erase_all_but(Mark mark) const;

  Result<void> erase(Mark mark) const;

 private:
  Eraser(Fd fd, std::string_view device, std::uint64_t size)
      : fd_(std::move(fd)), device_(device), size_(size) {}
  Result<void> zero(std::uint64_t from, std::uint64_t to) const;
  Result<void> sync() const;
  // Where md says that a member's data begins; 0 when there is no superblock of md's.
  Result<std::uint64_t> data_begin() const;

  Fd fd_;
  std::string device_;
  std::uint64_t size_;
};

}  // namespace fettle::system
