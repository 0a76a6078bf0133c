#include "system/throughput.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <random>
#include <string>

#include "system/direct_io.h"

namespace fettle::system {
namespace {

// Four stripes of eight drives with chunks of 512 KiB: every drive has work at all times.
constexpr std::uint64_t block = 16U << 20U;
constexpr std::size_t small_write = 4096;
constexpr unsigned small_writes = 64;

using std::chrono::duration_cast;
using std::chrono::microseconds;

// A file below the directory that no name leads to.
Result<Fd> open_nameless(const Files& files, std::string_view directory) {
  auto fd = files.open_at(directory, O_TMPFILE | O_RDWR | O_DIRECT, 0600);
  if (fd) return fd;
  auto plain = files.open_at(directory, O_TMPFILE | O_RDWR, 0600);
  if (!plain) {
    Error error = while_doing("measure '" + std::string(directory) + "'", plain.error());
    if (error.hint.empty()) error.hint = "who measures must be allowed to write there: run it as root";
    return fail(std::move(error));
  }
  return plain;
}

// Noise, so that no drive saves itself work; the same each time.
void fill(unsigned char* memory, std::size_t size) {
  std::minstd_rand noise(20261127);
  for (std::size_t at = 0; at < size; at += 4) {
    const auto word = static_cast<std::uint32_t>(noise());
    std::memcpy(memory + at, &word, sizeof(word));
  }
}

// One block after the other until the bound is reached. `step` does a part of `size` at `at`, and gives how
// much of it; 0 ends the run.
Result<Transfer> run(std::string_view doing, std::string_view path, const Bound& bound, const Clock& clock,
                     const std::function<ssize_t(std::uint64_t at, std::size_t size)>& step) {
  Transfer done;
  const auto begin = clock.steady();
  while (done.size < bound.size && clock.steady() - begin < bound.longest) {
    const std::uint64_t left = bound.size.count - done.size.count;
    const ssize_t count = step(done.size.count, static_cast<std::size_t>(std::min(block, left)));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(cannot(doing, path, errno, "`dmesg` tells what the drives answered"));
    if (count == 0) break;
    done.size.count += static_cast<std::uint64_t>(count);
  }
  done.took = duration_cast<microseconds>(clock.steady() - begin);
  return done;
}

class FileRun {
 public:
  FileRun(std::string_view path, const Fd& fd, unsigned char* memory, const Clock& clock)
      : path_(path), fd_(fd), memory_(memory), clock_(clock) {}

  Result<Transfer> write(const Bound& bound) const {
    const auto begin = clock_.steady();
    auto done = run("write", path_, bound, clock_, [&](std::uint64_t at, std::size_t size) {
      return ::pwrite(fd_.get(), memory_, size, static_cast<off_t>(at));
    });
    if (!done) return done;
    if (::fsync(fd_.get()) != 0) return fail(cannot("sync", path_, errno));
    done->took = duration_cast<microseconds>(clock_.steady() - begin);
    return done;
  }

  Result<Transfer> read(const Bound& bound) const {
    // Without O_DIRECT this asks the kernel to forget what it has in memory.
    if (!is_direct(fd_)) (void)::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
    return run("read", path_, bound, clock_, [&](std::uint64_t at, std::size_t size) {
      return ::pread(fd_.get(), memory_, size, static_cast<off_t>(at));
    });
  }

  Result<microseconds> sync(const Bound& bound) const {
    std::array<microseconds, small_writes> times{};
    std::size_t count = 0;
    const auto begin = clock_.steady();
    while (count < times.size() && clock_.steady() - begin < bound.longest) {
      const auto before = clock_.steady();
      const auto at = static_cast<off_t>(count * small_write);
      if (::pwrite(fd_.get(), memory_, small_write, at) != static_cast<ssize_t>(small_write))
        return fail(cannot("write", path_, errno));
      if (::fsync(fd_.get()) != 0) return fail(cannot("sync", path_, errno));
      times[count++] = duration_cast<microseconds>(clock_.steady() - before);
    }
    if (count == 0) return microseconds(0);
    const auto end = times.begin() + static_cast<std::ptrdiff_t>(count);
    std::sort(times.begin(), end);
    return times[count / 2];
  }

 private:
  std::string_view path_;
  const Fd& fd_;
  unsigned char* memory_;
  const Clock& clock_;
};

// Direct requests have to be whole blocks of the drive.
Bound rounded(const Bound& bound) {
  return {{bound.size.count / direct_alignment * direct_alignment}, bound.longest};
}

}  // namespace

Bytes rate_of(const Transfer& transfer) {
  const auto took = static_cast<std::uint64_t>(std::max<std::int64_t>(transfer.took.count(), 1));
  return {
      static_cast<std::uint64_t>(static_cast<double>(transfer.size.count) * 1e6 / static_cast<double>(took))};
}

Result<FileSpeed> measure_directory(const Files& files, std::string_view directory, const Bound& bound,
                                    const Clock& clock) {
  const auto fd = open_nameless(files, directory);
  if (!fd) return fail(fd.error());
  const DirectBuffer memory = direct_buffer(block);
  if (!memory) return fail(cannot("measure", directory, ENOMEM));
  fill(memory.get(), block);
  const FileRun file(directory, *fd, memory.get(), clock);
  const auto written = file.write(rounded(bound));
  if (!written) return fail(written.error());
  const auto read = file.read({written->size, bound.longest});
  if (!read) return fail(read.error());
  const auto sync = file.sync(bound);
  if (!sync) return fail(sync.error());
  return FileSpeed{*written, *read, *sync, is_direct(*fd)};
}

Result<Transfer> measure_device(const Files& files, std::string_view device, Bytes device_size,
                                const Bound& bound, const Clock& clock) {
  const auto fd = open_direct(files, device, O_RDONLY);
  if (!fd) return fail(fd.error());
  const DirectBuffer memory = direct_buffer(block);
  if (!memory) return fail(cannot("measure", device, ENOMEM));
  return run("read", device, rounded({std::min(bound.size, device_size), bound.longest}), clock,
             [&](std::uint64_t at, std::size_t size) {
               return ::pread(fd->get(), memory.get(), size, static_cast<off_t>(at));
             });
}

}  // namespace fettle::system
