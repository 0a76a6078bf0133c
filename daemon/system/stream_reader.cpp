#include "system/stream_reader.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <optional>

namespace fettle::system {
namespace {

// 2 MiB: with 512 KiB chunks a block touches four drives of the array, four blocks all of them twice.
constexpr std::size_t region_size = 2U << 20U;
// From the page cache in smaller pieces: copied and then used, they fit the second-level cache of a core.
constexpr std::size_t piece_size = 128U << 10U;
// The logical block of every drive that we know.
constexpr std::size_t alignment = 4096;

// cachestat(2), Linux 6.5; the same number on every architecture. Older C libraries do not have it.
constexpr long cachestat_number = 451;
struct CacheRange {
  std::uint64_t offset;
  std::uint64_t length;
};
struct CacheCounts {
  std::uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

struct FreeBuffer {
  void operator()(char* buffer) const { std::free(buffer); }
};
using Buffer = std::unique_ptr<char, FreeBuffer>;

Buffer make_buffer(std::size_t size) {
  Buffer buffer(static_cast<char*>(std::aligned_alloc(alignment, size)));
  if (!buffer) throw std::bad_alloc();
  return buffer;
}

// Pages of the range that the page cache has; nothing when this kernel does not tell, or not to this user.
std::optional<std::uint64_t> cached_pages(int fd, std::uint64_t offset, std::uint64_t length) {
  CacheRange range{offset, length};
  CacheCounts counts{};
  if (::syscall(cachestat_number, fd, &range, &counts, 0) != 0) return std::nullopt;
  return counts.cached;
}

std::uint64_t pages_of(std::uint64_t length) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return (length + page - 1) / page;
}

}  // namespace

struct StreamReader::Region {
  enum class Kind { cached, reading, done } kind = Kind::cached;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::uint64_t copied = 0;  // of `length`, when it comes from the cache
  std::int64_t result = 0;   // of the read: bytes, or an error number below zero
  Buffer buffer;             // made when it is first needed
  iocb order{};
  char* room() {
    if (!buffer) buffer = make_buffer(region_size);
    return buffer.get();
  }
};

// Linux's own asynchronous reads: needs no thread, and works wherever O_DIRECT does.
class StreamReader::Queue {
 public:
  Queue() { works_ = ::syscall(SYS_io_setup, depth, &context_) == 0; }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue() {
    if (works_) ::syscall(SYS_io_destroy, context_);
  }

  void read(int fd, Region& region) {
    region.kind = Region::Kind::reading;
    region.order = {};
    region.order.aio_data = reinterpret_cast<std::uintptr_t>(&region);
    region.order.aio_lio_opcode = IOCB_CMD_PREAD;
    region.order.aio_fildes = static_cast<__u32>(fd);
    region.order.aio_buf = reinterpret_cast<std::uintptr_t>(region.room());
    region.order.aio_nbytes = region_size;
    region.order.aio_offset = static_cast<__s64>(region.offset);
    iocb* order = &region.order;
    if (works_ && ::syscall(SYS_io_submit, context_, 1, &order) == 1) return;
    const ssize_t got = ::pread(fd, region.room(), region_size, static_cast<off_t>(region.offset));
    region.result = got < 0 ? -errno : got;
    region.kind = Region::Kind::done;
  }

  void wait_for(const Region& region) {
    while (region.kind == Region::Kind::reading) {
      std::array<io_event, depth> events{};
      const long count = ::syscall(SYS_io_getevents, context_, 1, depth, events.data(), nullptr);
      for (long i = 0; i < count; ++i) {
        auto& done =
            *reinterpret_cast<Region*>(static_cast<std::uintptr_t>(events[static_cast<std::size_t>(i)].data));
        done.result = events[static_cast<std::size_t>(i)].res;
        done.kind = Region::Kind::done;
      }
    }
  }

 private:
  aio_context_t context_ = 0;
  bool works_ = false;
};

StreamReader::StreamReader() : queue_(std::make_unique<Queue>()) {
  for (auto& region : ring_) region = std::make_unique<Region>();
}

StreamReader::~StreamReader() {
  drain();
}

// The kernel writes into the buffers until every read has ended.
void StreamReader::drain() {
  for (const auto& region : ring_) queue_->wait_for(*region);
  first_ = used_ = 0;
  is_released_ = false;
}

Result<Info> StreamReader::open(const Files& files, std::string_view path) {
  drain();
  path_ = path;
  asked_ = 0;
  direct_ = Fd();
  // O_NONBLOCK: a FIFO must not wait for a writer.
  auto fd = files.open_at(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  fd_ = std::move(*fd);
  const auto info = look_at(fd_, path);
  if (!info) return fail(info.error());
  info_ = *info;
  if (info_.kind != Kind::file)
    return fail(Why::malformed, "cannot read '" + path_ + "': it is not a regular file");
  if (auto direct = files.open_at(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_DIRECT)) {
    const auto same = look_at(*direct, path);
    if (same && same->inode == info_.inode && same->device == info_.device) direct_ = std::move(*direct);
  }
  gives_back_ = !direct_ && cached_pages(fd_.get(), 0, info_.size.count).value_or(0) == 0;
  if (!direct_) ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return info_;
}

bool StreamReader::is_cached(std::uint64_t offset, std::uint64_t length) const {
  if (!direct_) return true;
  return cached_pages(fd_.get(), offset, length) == pages_of(length);
}

// Asks for as many regions as may be on their way.
void StreamReader::fill() {
  while (used_ < depth && asked_ < info_.size.count) {
    Region& region = *ring_[(first_ + used_) % depth];
    region.offset = asked_;
    region.length = std::min<std::uint64_t>(region_size, info_.size.count - asked_);
    region.copied = 0;
    region.kind = Region::Kind::cached;
    asked_ += region.length;
    ++used_;
    if (!is_cached(region.offset, region.length)) queue_->read(direct_.get(), region);
  }
}

Result<std::string_view> StreamReader::next() {
  if (is_released_) {
    const Region& gone = *ring_[first_];
    if (gives_back_) {
      ::posix_fadvise(fd_.get(), static_cast<off_t>(gone.offset), static_cast<off_t>(gone.length),
                      POSIX_FADV_DONTNEED);
    }
    first_ = (first_ + 1) % depth;
    --used_;
    is_released_ = false;
  }
  fill();
  if (used_ == 0) return std::string_view();
  Region& region = *ring_[first_];
  return region.kind == Region::Kind::cached ? copy(region) : take(region);
}

Result<std::string_view> StreamReader::copy(Region& region) {
  const std::uint64_t length = std::min<std::uint64_t>(piece_size, region.length - region.copied);
  while (true) {
    const ssize_t got =
        ::pread(fd_.get(), region.room(), length, static_cast<off_t>(region.offset + region.copied));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(cannot("read", path_, errno, "is the drive below it failing? see the kernel log"));
    region.copied += static_cast<std::uint64_t>(got);
    // Shorter than it was: the end, and check_unchanged() will say so.
    if (got == 0) asked_ = info_.size.count, used_ = 0;
    is_released_ = got > 0 && region.copied == region.length;
    return std::string_view(region.room(), static_cast<std::size_t>(got));
  }
}

Result<std::string_view> StreamReader::take(Region& region) {
  queue_->wait_for(region);
  if (region.result == -EINVAL || region.result == -EAGAIN) {
    // The file system opens files for direct reading and then does not read so.
    region.kind = Region::Kind::cached;
    return copy(region);
  }
  if (region.result < 0) {
    return fail(cannot("read", path_, static_cast<int>(-region.result),
                       "is the drive below it failing? see the kernel log"));
  }
  const auto got = std::min<std::uint64_t>(static_cast<std::uint64_t>(region.result), region.length);
  if (got < region.length) {
    drain();
    asked_ = info_.size.count;
    return std::string_view(region.room(), static_cast<std::size_t>(got));
  }
  is_released_ = true;
  return std::string_view(region.room(), static_cast<std::size_t>(got));
}

Result<void> StreamReader::check_unchanged() const {
  const auto now = look_at(fd_, path_);
  if (!now) return fail(now.error());
  if (now->size == info_.size && now->modified == info_.modified) return {};
  return fail(Why::refused, "cannot read '" + path_ + "': it changed while it was read",
              "does another program write it? try again when that has ended");
}

}  // namespace fettle::system
