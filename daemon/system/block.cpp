#include "system/block.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <tuple>

#include "base/text.h"
#include "system/direct_io.h"
#include "system/lock.h"

namespace fettle::system {
namespace {

constexpr std::size_t alignment = direct_alignment;
constexpr std::uint64_t chunk = 1U << 20U;
constexpr std::uint64_t window = 16U << 20U;  // at both ends
constexpr std::uint64_t sample = 64U << 10U;  // in between
constexpr unsigned sample_count = 64;

using Probe = std::unique_ptr<blkid_struct_probe, void (*)(blkid_probe)>;

std::string value_of(blkid_probe probe, const char* name) {
  const char* data = nullptr;
  std::size_t size = 0;
  if (blkid_probe_lookup_value(probe, name, &data, &size) != 0 || data == nullptr) return {};
  return std::string(trim({data, size}));
}

// One aligned buffer, read into with or without O_DIRECT.
class Reader {
 public:
  static Result<Reader> open(const Files& files, std::string_view device) {
    Reader reader;
    reader.device_ = device;
    auto fd = open_direct(files, device, O_RDONLY);
    if (!fd) return fail(fd.error());
    reader.fd_ = std::move(*fd);
    reader.buffer_ = direct_buffer(chunk);
    if (!reader.buffer_) return fail(cannot("read", device, ENOMEM));
    return reader;
  }

  Result<std::uint64_t> size() const {
    const off_t end = ::lseek(fd_.get(), 0, SEEK_END);
    if (end < 0) return fail(cannot("measure", device_, errno));
    return static_cast<std::uint64_t>(end);
  }

  // A short read is an error: what was not read is not known to be zero.
  Result<bool> is_zero(std::uint64_t from, std::uint64_t to) {
    while (from < to) {
      const auto wanted = static_cast<std::size_t>(std::min(chunk, to - from));
      const ssize_t got = ::pread(fd_.get(), buffer_.get(), wanted, static_cast<off_t>(from));
      if (got < 0) {
        if (errno == EINTR) continue;
        return fail(cannot("read", device_, errno, hint()));
      }
      if (static_cast<std::size_t>(got) != wanted) return fail(cannot("read", device_, EIO, hint()));
      // All bytes equal their neighbour and the first is zero: the library compares whole vectors at a time.
      if (buffer_.get()[0] != 0 || std::memcmp(buffer_.get(), buffer_.get() + 1, wanted - 1) != 0)
        return false;
      from += wanted;
    }
    return true;
  }

 private:
  static std::string hint() { return "look for errors of this drive in `dmesg`; nothing is written to it"; }

  std::string device_;
  Fd fd_;
  DirectBuffer buffer_;
};

// Where formats keep data or a mirror of it outside the two ends: btrfs' mirrors, and where mdadm puts the
// data of large members (128 MiB, and 1 MiB more for the bad block log): a file system lives there after the
// superblock was zeroed.
constexpr std::array<std::uint64_t, 4> known_offsets{64ULL << 20U, 128ULL << 20U, 129ULL << 20U,
                                                     256ULL << 30U};

// "/dev/nvme0n1" as the last part of a path; loop backing files and links of processes are compared by it.
bool names_device(std::string_view text, std::string_view device) {
  return text == device || text == std::string(device) + " (deleted)";
}

// The loop device that the device backs, or nothing.
Result<std::string> loop_on(const Files& files, std::string_view device) {
  const auto names = files.list("/sys/block");
  if (!names) return fail(names.error());
  for (const std::string& name : *names) {
    if (name.rfind("loop", 0) != 0) continue;
    const auto backing = files.read("/sys/block/" + name + "/loop/backing_file");
    if (!backing) {
      if (backing.error().why == Why::missing) continue;  // not bound to anything
      return fail(backing.error());
    }
    if (names_device(trim(*backing), device)) return name;
  }
  return std::string();
}

// The process that has the device open, or 0. Our own does not count.
Result<unsigned> opened_by(const Files& files, std::string_view device, const Info& info) {
  const auto processes = files.list("/proc");
  if (!processes) return fail(processes.error());
  const bool compare_nodes = files.is_the_machine() && info.kind == Kind::block_device;
  for (const std::string& process : *processes) {
    const auto pid = to_number<unsigned>(process);
    if (!pid || *pid == static_cast<unsigned>(::getpid())) continue;
    const std::string at = "/proc/" + process + "/fd";
    const auto descriptors = files.list(at);
    if (!descriptors) {
      // It ended meanwhile (ESRCH reads as failed, ENOENT as missing); anything else we were not allowed to
      // see.
      if (const auto there = files.exists("/proc/" + process); there && !*there) continue;
      if (descriptors.error().why == Why::denied) return fail(descriptors.error());
      continue;
    }
    if (descriptors->empty()) continue;
    const auto directory = files.open_at(at, O_RDONLY | O_DIRECTORY);
    for (const std::string& descriptor : *descriptors) {
      const auto target = files.read_link(at + "/" + descriptor);
      if (target && names_device(*target, device)) return *pid;
      // The same device under another name, in another mount namespace for example.
      struct stat st {};
      if (compare_nodes && directory && ::fstatat(directory->get(), descriptor.c_str(), &st, 0) == 0 &&
          S_ISBLK(st.st_mode) && st.st_rdev == info.node) {
        return *pid;
      }
    }
  }
  return 0U;
}

// As the process calls itself, without what a terminal would obey; empty when it has ended.
std::string program_of(const Files& files, const std::string& process) {
  const auto name = files.read("/proc/" + process + "/comm", 4_KiB);
  if (!name) return {};
  std::string program;
  for (const char letter : *name) {
    const bool is_plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                          (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
    if (is_plain) program += letter;
  }
  return program;
}

// What the probe finds one after the other, when it would not choose.
bool has_several(blkid_probe probe) {
  blkid_reset_probe(probe);
  return blkid_do_probe(probe) == 0 && blkid_do_probe(probe) == 0;
}

}  // namespace

Result<Signature> probe(const Files& files, std::string_view device) {
  const auto fd = files.open_at(device, O_RDONLY | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  const Probe probe(blkid_new_probe(), &blkid_free_probe);
  if (!probe) return fail(cannot("look for signatures on", device, ENOMEM));
  errno = 0;
  if (blkid_probe_set_device(probe.get(), fd->get(), 0, 0) != 0) {
    return fail(cannot("look for signatures on", device, errno != 0 ? errno : EIO));
  }
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL);
  blkid_probe_enable_partitions(probe.get(), 1);
  // Without this a GPT that lost its primary header looks like nothing.
  blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_FORCE_GPT);
  errno = 0;
  const int answer = blkid_do_safeprobe(probe.get());
  const int err = errno;
  if (answer == 1) return Signature{};
  // Since 2.39 (Ubuntu 24.04) the library answers -1 for both, several signatures and an error.
  if (answer == -2 || (answer == -1 && err == 0 && has_several(probe.get()))) {
    return fail(Why::malformed,
                "cannot tell what is on '" + std::string(device) + "': more than one signature is there",
                "`wipefs --no-act " + std::string(device) + "` lists them");
  }
  if (answer != 0) {
    const int known = answer < -2 ? -answer : err;
    return fail(cannot("look for signatures on", device, known != 0 ? known : EIO,
                       "look for errors of this drive in `dmesg`; nothing is written to it"));
  }
  Signature found{value_of(probe.get(), "TYPE"), value_of(probe.get(), "UUID"),
                  value_of(probe.get(), "LABEL")};
  const std::string table = value_of(probe.get(), "PTTYPE");
  if (found.type.empty())
    return Signature{table.empty() ? "unknown" : table, value_of(probe.get(), "PTUUID"), {}};
  if (!table.empty() && table != found.type) {
    return fail(Why::malformed, "cannot tell what is on '" + std::string(device) + "': both " + found.type +
                                    " and a " + table + " partition table are there");
  }
  return found;
}

Result<bool> is_blank(const Files& files, std::string_view device, Bytes size) {
  auto reader = Reader::open(files, device);
  if (!reader) return fail(reader.error());
  const auto length = reader->size();
  if (!length) return fail(length.error());
  if (*length != size.count || size.count % 512 != 0 || size.count == 0) {
    return fail(Why::failed, "cannot trust the size of '" + std::string(device) + "': it reads as " +
                                 std::to_string(*length) + " bytes, the kernel says " +
                                 std::to_string(size.count));
  }
  for (const auto& [from, to] : looked_at_places(size.count)) {
    const auto zero = reader->is_zero(from, to);
    if (!zero || !*zero) return zero;
  }
  return true;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> looked_at_places(std::uint64_t end) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places{{0, std::min(window, end)}};
  if (end > window) {
    // Rounded down to a block, so that O_DIRECT takes it.
    const std::uint64_t tail = std::max(window, (end - window) / alignment * alignment);
    const auto add_sample = [&](std::uint64_t at) {
      if (at >= window && at + sample <= tail) places.emplace_back(at, at + sample);
    };
    places.emplace_back(tail, end);
    for (const std::uint64_t at : known_offsets) add_sample(at);
    for (unsigned i = 1; i <= sample_count; ++i)
      add_sample(end / (sample_count + 1) * i / alignment * alignment);
  }
  return places;
}

Result<bool> is_unfinished_xfs(const Files& files, std::string_view device) {
  const auto fd = files.open_at(device, O_RDONLY);
  if (!fd) return fail(fd.error());
  std::array<char, 512> superblock{};
  const ssize_t got = ::pread(fd->get(), superblock.data(), superblock.size(), 0);
  if (got != static_cast<ssize_t>(superblock.size()))
    return fail(cannot("read", device, got < 0 ? errno : EIO));
  // struct xfs_dsb: sb_magicnum at 0, sb_inprogress at 126.
  return std::string_view(superblock.data(), 4) == "XFSB" && superblock[126] != 0;
}

Result<DriveLocks> DriveLocks::take(const Files& files, std::vector<std::string> devices, Clock& clock,
                                    std::chrono::milliseconds wait) {
  std::vector<std::tuple<dev_t, std::string>> order;
  for (std::string& device : devices) {
    const auto info = files.look_through(device);
    if (!info) return fail(info.error());
    order.emplace_back(info->node, std::move(device));
  }
  std::sort(order.begin(), order.end());
  DriveLocks locks;
  const auto until = clock.steady() + wait;
  for (const auto& [node, device] : order) {
    // For writing, although we never do: closing such a descriptor tells udev to look again.
    auto fd = files.open_at(device, O_RDWR | O_NONBLOCK);
    if (!fd) return fail(fd.error());
    const auto left = std::max(until - clock.steady(), std::chrono::steady_clock::duration::zero());
    const auto locked = lock(*fd, device, clock, std::chrono::duration_cast<std::chrono::milliseconds>(left));
    if (!locked) return fail(locked.error());
    locks.held_.push_back(std::move(*fd));
  }
  return locks;
}

Result<void> is_free(const Files& files, std::string_view device) {
  const auto info = files.look_through(device);
  if (!info) return fail(info.error());
  const std::string name(device);
  {
    const auto fd = files.open_at(device, O_RDONLY | O_EXCL | O_NONBLOCK);
    if (!fd && fd.error().why == Why::refused) {
      return fail(Why::refused,
                  "cannot have '" + name + "' for us alone: it is mounted, swap or a member of something",
                  "`lsblk " + name + "` shows by what; a mount may be in a container");
    }
    if (!fd) return fail(fd.error());
  }
  const auto loop = loop_on(files, device);
  if (!loop) return fail(loop.error());
  if (!loop->empty()) {
    return fail(Why::refused, "cannot have '" + name + "' for us alone: " + *loop + " lies on it",
                "`losetup --detach /dev/" + *loop + "` when nobody needs it");
  }
  const auto process = opened_by(files, device, *info);
  if (!process) return fail(process.error());
  if (*process != 0) {
    const std::string number = std::to_string(*process);
    const std::string program = program_of(files, number);
    // "(udev-worker)" since systemd 249, "systemd-udevd" before.
    const bool is_udev = program.find("udev") != std::string::npos;
    return fail(Why::timed_out,
                "cannot have '" + name + "' for us alone: process " + number +
                    (program.empty() ? "" : " (" + program + ")") + " has it open",
                is_udev ? "udev looks at a drive after each change: ask again in some seconds"
                        : "`ps " + number + "` tells what that is");
  }
  return {};
}

Result<void> wait_until_free(const Files& files, std::string_view device, Clock& clock,
                             std::chrono::milliseconds wait) {
  constexpr std::chrono::milliseconds pause{200};
  for (const auto until = clock.steady() + wait;;) {
    auto free = is_free(files, device);
    if (free || free.error().why != Why::timed_out || clock.steady() >= until) return free;
    clock.sleep_for(pause);
  }
}

}  // namespace fettle::system
