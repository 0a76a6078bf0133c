#include "system/erase.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "base/text.h"
#include "system/block.h"

namespace fettle::system {
namespace {

constexpr std::uint64_t block = 4096;
constexpr std::uint64_t chunk = 1U << 20U;
// Of a member's data: what libblkid and mkfs would find there, and the first allocation group's headers.
constexpr std::uint64_t beginning = 64U << 10U;

std::uint64_t little_endian(const std::array<unsigned char, block>& bytes, std::size_t at,
                            std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i > 0; --i) value = value << 8U | bytes[at + i - 1];
  return value;
}

}  // namespace

Result<Eraser> Eraser::open(const Files& files, std::string_view device, Bytes size, dev_t node) {
  auto fd = files.open_at(device, O_RDWR | O_EXCL);
  if (!fd) return fail(fd.error());
  struct stat st {};
  if (::fstat(fd->get(), &st) != 0) return fail(cannot("look at", device, errno));
  const bool is_block = S_ISBLK(st.st_mode);
  // Below another root drives are files.
  if (is_block ? st.st_rdev != node : files.is_the_machine() || !S_ISREG(st.st_mode)) {
    return fail(Why::failed,
                "cannot trust '" + std::string(device) + "': it is not the drive that was meant");
  }
  const off_t end = ::lseek(fd->get(), 0, SEEK_END);
  if (end < 0) return fail(cannot("measure", device, errno));
  if (static_cast<std::uint64_t>(end) != size.count) {
    return fail(Why::failed, "cannot trust the size of '" + std::string(device) + "': it is " +
                                 std::to_string(end) + " bytes, not " + std::to_string(size.count));
  }
  return Eraser(std::move(*fd), device, size.count);
}

Result<void> Eraser::zero(std::uint64_t from, std::uint64_t to) const {
  static const std::vector<char> zeros(chunk, '\0');
  while (from < to) {
    const auto wanted = static_cast<std::size_t>(std::min(chunk, to - from));
    const ssize_t put = ::pwrite(fd_.get(), zeros.data(), wanted, static_cast<off_t>(from));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return fail(cannot("write to", device_, put < 0 ? errno : EIO));
    from += static_cast<std::uint64_t>(put);
  }
  return {};
}

Result<void> Eraser::sync() const {
  if (::fsync(fd_.get()) != 0) return fail(cannot("write to", device_, errno));
  return {};
}

Result<std::uint64_t> Eraser::data_begin() const {
  std::array<unsigned char, block> bytes{};
  const auto at = static_cast<off_t>(Mark::array_member);
  const ssize_t got = ::pread(fd_.get(), bytes.data(), bytes.size(), at);
  if (got != static_cast<ssize_t>(bytes.size())) return fail(cannot("read", device_, got < 0 ? errno : EIO));
  // struct mdp_superblock_1: magic at 0, data_offset in sectors at 128.
  if (little_endian(bytes, 0, 4) != 0xa92b4efc) return 0U;
  const std::uint64_t sectors = little_endian(bytes, 128, 8);
  return sectors < size_ / 512 ? sectors * 512 : 0;
}

Result<void> Eraser::erase_all_but(Mark mark) const {
  const auto data = data_begin();
  if (!data) return fail(data.error());
  auto places = looked_at_places(size_);
  if (*data != 0) places.emplace_back(*data, std::min(*data + beginning, size_));
  const auto kept = static_cast<std::uint64_t>(mark);
  for (const auto& [from, to] : places) {
    for (const auto& [begin, end] :
         {std::pair{from, std::min(to, kept)}, std::pair{std::max(from, kept + block), to}}) {
      if (begin >= end) continue;
      if (auto done = zero(begin, end); !done) return done;
    }
  }
  return sync();
}

Result<void> Eraser::erase(Mark mark) const {
  const auto at = static_cast<std::uint64_t>(mark);
  if (auto done = zero(at, std::min(at + block, size_)); !done) return done;
  return sync();
}

}  // namespace fettle::system
