#include "system/write_back.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "system/direct_io.h"
#include "system/random.h"

namespace fettle::system {
namespace {

constexpr std::uint64_t block = 1U << 20U;
constexpr std::uint64_t most = 64U << 20U;
constexpr unsigned most_extents = 128;

constexpr std::string_view advice =
    "an input/output error means that a drive is gone or that the file system has shut down: `dmesg` tells "
    "which";

// Numbers that no earlier write left there (splitmix64, Steele, Lea and Flood 2014).
void fill(unsigned char* memory, std::size_t size, std::uint64_t seed) {
  for (std::size_t at = 0; at < size; at += sizeof(seed)) {
    seed += 0x9E3779B97F4A7C15ULL;
    std::uint64_t word = seed;
    word = (word ^ (word >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    word = (word ^ (word >> 27U)) * 0x94D049BB133111EBULL;
    word ^= word >> 31U;
    std::memcpy(memory + at, &word, sizeof(word));
  }
}

std::vector<Extent> extents_of(const Fd& fd) {
  // A header with room for extents behind it, as the kernel wants it.
  std::vector<std::uint64_t> memory((sizeof(fiemap) + most_extents * sizeof(fiemap_extent)) / 8 + 1);
  auto* const map = reinterpret_cast<fiemap*>(memory.data());
  map->fm_length = FIEMAP_MAX_OFFSET;
  map->fm_extent_count = most_extents;
  if (::ioctl(fd.get(), FS_IOC_FIEMAP, map) != 0) return {};
  std::vector<Extent> extents;
  for (unsigned i = 0; i < std::min(map->fm_mapped_extents, most_extents); ++i) {
    fiemap_extent extent;
    std::memcpy(&extent, reinterpret_cast<const char*>(map) + sizeof(fiemap) + i * sizeof(extent),
                sizeof(extent));
    if ((extent.fe_flags & FIEMAP_EXTENT_UNKNOWN) != 0) return {};
    extents.push_back({{extent.fe_physical}, {extent.fe_length}});
  }
  return extents;
}

class Pass {
 public:
  Pass(std::string_view path, const Fd& fd, std::uint64_t size, std::uint64_t seed)
      : path_(path), fd_(fd), size_(size), seed_(seed) {}

  Result<void> write() {
    const DirectBuffer buffer = direct_buffer(block);
    if (!buffer) return fail(cannot("write", path_, ENOMEM));
    for (std::uint64_t at = 0; at < size_;) {
      const std::uint64_t part = std::min(block, size_ - at);
      fill(buffer.get(), part, seed_ + at);
      if (const auto done = whole(
              [&](std::uint64_t from) {
                return ::pwrite(fd_.get(), buffer.get() + from, part - from, static_cast<off_t>(at + from));
              },
              part);
          done != 0) {
        return fail(cannot("write", path_, done, std::string(advice)));
      }
      at += part;
    }
    if (::fsync(fd_.get()) != 0) return fail(cannot("sync", path_, errno, std::string(advice)));
    return {};
  }

  Result<void> read_back() {
    const DirectBuffer wanted = direct_buffer(block);
    const DirectBuffer got = direct_buffer(block);
    if (!wanted || !got) return fail(cannot("read", path_, ENOMEM));
    // Without O_DIRECT this asks the kernel to forget what it has in memory.
    if (!is_direct(fd_)) (void)::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
    for (std::uint64_t at = 0; at < size_;) {
      const std::uint64_t part = std::min(block, size_ - at);
      if (const auto done = whole(
              [&](std::uint64_t from) {
                return ::pread(fd_.get(), got.get() + from, part - from, static_cast<off_t>(at + from));
              },
              part);
          done != 0) {
        return fail(cannot("read", path_, done, std::string(advice)));
      }
      fill(wanted.get(), part, seed_ + at);
      if (std::memcmp(wanted.get(), got.get(), part) != 0) {
        return fail(Why::malformed,
                    "cannot trust '" + std::string(path_) + "': other bytes came back than were written",
                    "a drive or its path loses data: take the node out of use, and verify the shelves");
      }
      at += part;
    }
    return {};
  }

 private:
  // Repeats `step` until `part` bytes are done; 0, or the errno that ended it.
  template <class Step>
  static int whole(Step step, std::uint64_t part) {
    for (std::uint64_t done = 0; done < part;) {
      const ssize_t count = step(done);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno;
      if (count == 0) return EIO;
      done += static_cast<std::uint64_t>(count);
    }
    return 0;
  }

  std::string_view path_;
  const Fd& fd_;
  std::uint64_t size_;
  std::uint64_t seed_;
};

Result<std::uint64_t> choose_seed() {
  const auto uuid = random_uuid();
  if (!uuid) return fail(uuid.error());
  return static_cast<std::uint64_t>(std::hash<std::string>()(*uuid));
}

}  // namespace

Result<WriteBack> write_and_read_back(const Files& files, std::string_view path, Bytes size,
                                      const Clock& clock) {
  const std::uint64_t rounded = (size.count + direct_alignment - 1) / direct_alignment * direct_alignment;
  if (rounded == 0 || rounded > most) {
    return fail(Why::refused, "cannot write " + to_text(size) + " to '" + std::string(path) +
                                  "' as a trial: between 1 byte and " + to_text(Bytes{most}) + " are");
  }
  const auto seed = choose_seed();
  if (!seed) return fail(seed.error());
  auto fd = open_direct(files, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!fd) {
    Error error = fd.error();
    if (error.hint.empty()) error.hint = advice;
    return fail(std::move(error));
  }
  // In one piece where that can be had, so that it lies across all members of an array.
  if (::fallocate(fd->get(), 0, 0, static_cast<off_t>(rounded)) != 0 && errno != EOPNOTSUPP) {
    return fail(cannot("make room for", path, errno));
  }
  WriteBack done;
  done.size = {rounded};
  done.direct = is_direct(*fd);
  Pass pass(path, *fd, rounded, *seed);
  const auto begin = clock.steady();
  if (const auto written = pass.write(); !written) return fail(written.error());
  const auto middle = clock.steady();
  if (const auto read = pass.read_back(); !read) return fail(read.error());
  const auto end = clock.steady();
  using std::chrono::duration_cast;
  done.write = duration_cast<std::chrono::microseconds>(middle - begin);
  done.read = duration_cast<std::chrono::microseconds>(end - middle);
  done.extents = extents_of(*fd);
  return done;
}

}  // namespace fettle::system
