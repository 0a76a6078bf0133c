#include "system/drive.h"

#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <vector>

#include "system/direct_io.h"

namespace fettle::system {
namespace {

constexpr std::size_t page_size = 512;
constexpr unsigned get_log_page = 0x02;  // opcode
constexpr unsigned health_log = 0x02;
constexpr unsigned all_namespaces = 0xFFFFFFFF;
constexpr unsigned patience_ms = 8000;
// Status codes of a drive that does not know the command or the page.
constexpr std::array<int, 3> not_offered{0x1, 0x2, 0x109};

// 64 reads of 128 KiB: 8 MiB a drive, some 20 ms of a healthy one.
constexpr unsigned read_count = 64;
constexpr std::uint64_t read_size = 128U << 10U;

std::uint64_t number_at(std::string_view page, std::size_t at, std::size_t bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    number |= static_cast<std::uint64_t>(static_cast<unsigned char>(page[at + i])) << (8 * i);
  }
  return number;
}

// 128 bits, of which we keep 64: more is said to be the largest number there is.
std::uint64_t counter_at(std::string_view page, std::size_t at) {
  if (number_at(page, at + 8, 8) != 0) return std::numeric_limits<std::uint64_t>::max();
  return number_at(page, at, 8);
}

// Counted in thousands of 512-byte units.
Bytes data_units_at(std::string_view page, std::size_t at) {
  constexpr std::uint64_t unit = 512000;
  const std::uint64_t count = counter_at(page, at);
  return {count > std::numeric_limits<std::uint64_t>::max() / unit ? std::numeric_limits<std::uint64_t>::max()
                                                                   : count * unit};
}

}  // namespace

Result<Smart> parse_smart(std::string_view page) {
  if (page.size() != page_size) {
    return fail(Why::malformed, "cannot use the drive's health log: it has " + std::to_string(page.size()) +
                                    " bytes, not 512");
  }
  Smart smart;
  smart.critical_warning = static_cast<unsigned>(number_at(page, 0, 1));
  smart.temperature_celsius = static_cast<int>(number_at(page, 1, 2)) - 273;
  smart.spare_percent = static_cast<unsigned>(number_at(page, 3, 1));
  smart.spare_threshold_percent = static_cast<unsigned>(number_at(page, 4, 1));
  smart.used_percent = static_cast<unsigned>(number_at(page, 5, 1));
  smart.read = data_units_at(page, 32);
  smart.written = data_units_at(page, 48);
  smart.power_on_hours = counter_at(page, 128);
  smart.unsafe_shutdowns = counter_at(page, 144);
  smart.media_errors = counter_at(page, 160);
  return smart;
}

Result<Smart> read_smart(const Files& files, std::string_view device) {
  const auto fd = files.open_at(device, O_RDONLY | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  std::array<char, page_size> page{};
  nvme_admin_cmd command{};
  command.opcode = get_log_page;
  command.nsid = all_namespaces;
  command.addr = reinterpret_cast<std::uint64_t>(page.data());
  command.data_len = page.size();
  command.cdw10 = (static_cast<unsigned>(page.size() / 4 - 1) << 16U) | health_log;
  command.timeout_ms = patience_ms;
  const int status = ::ioctl(fd->get(), NVME_IOCTL_ADMIN_CMD, &command);
  if (status < 0) {
    return fail(cannot("read the health log of", device, errno,
                       errno == EACCES || errno == EPERM ? "run it as root" : std::string()));
  }
  if (status > 0) {
    const int code = status & 0x7FF;
    const bool is_offered = std::find(not_offered.begin(), not_offered.end(), code) == not_offered.end();
    return fail(is_offered ? Why::failed : Why::missing,
                "cannot read the health log of '" + std::string(device) +
                    "': the drive answers with status " + std::to_string(code));
  }
  return parse_smart({page.data(), page.size()});
}

Result<ReadTimes> time_reads(const Files& files, std::string_view device, Bytes device_size,
                             const Clock& clock) {
  if (device_size.count < read_size) {
    return fail(Why::refused,
                "cannot time reads of '" + std::string(device) + "': it has only " + to_text(device_size));
  }
  const auto fd = open_direct(files, device, O_RDONLY);
  if (!fd) return fail(fd.error());
  const DirectBuffer buffer = direct_buffer(read_size);
  if (!buffer) return fail(cannot("read", device, ENOMEM));
  std::vector<std::chrono::microseconds> times;
  const std::uint64_t room = device_size.count - read_size;
  for (unsigned i = 0; i < read_count; ++i) {
    const std::uint64_t at = room / read_count * i / direct_alignment * direct_alignment;
    const auto begin = clock.steady();
    const ssize_t got = ::pread(fd->get(), buffer.get(), read_size, static_cast<off_t>(at));
    if (got != static_cast<ssize_t>(read_size)) {
      return fail(cannot("read", device, got < 0 ? errno : EIO, "`dmesg` tells what the drive answered"));
    }
    times.push_back(std::chrono::duration_cast<std::chrono::microseconds>(clock.steady() - begin));
  }
  std::sort(times.begin(), times.end());
  return ReadTimes{read_count, {read_size}, times[times.size() / 2], times.back()};
}

}  // namespace fettle::system
