#include "system/kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/names.h"
#include "base/text.h"

namespace fettle::system {
namespace {

// The kernel gives no record above 8 KiB (CONSOLE_EXT_LOG_MAX).
constexpr std::size_t longest_record = 16384;
// A log of 64 MiB with short lines has a million; more comes only when somebody writes faster than we read.
constexpr std::uint64_t most_records = 2000000;
constexpr Bytes largest_capture = 16_MiB;

// Puts records in order, counts what is between them, and hands on those that are wanted.
class Walk {
 public:
  Walk(std::uint64_t from, const std::function<void(const KernelRecord&)>& visit) : visit_(visit) {
    result_.next = from;
  }

  // False when this is enough for one walk.
  bool take(std::string_view text) {
    if (++seen_ > most_records) {
      result_.reached_end = false;
      return false;
    }
    const auto record = parse_kernel_record(text);
    if (!record) {
      ++nonsense_;
      return true;
    }
    highest_ = record->sequence;
    any_ = true;
    if (record->sequence < result_.next) return true;
    result_.lost += record->sequence - result_.next;
    result_.next = record->sequence + 1;
    visit_(*record);
    return true;
  }

  Result<KernelLogWalk> end() && {
    if (result_.next != 0 && any_ && highest_ + 1 < result_.next && result_.reached_end) {
      return fail(Why::malformed, "cannot go on in the kernel log: it ends before record " +
                                      std::to_string(result_.next) + ", where the last look ended");
    }
    result_.lost += nonsense_;
    return result_;
  }

 private:
  const std::function<void(const KernelRecord&)>& visit_;
  KernelLogWalk result_;
  std::uint64_t seen_ = 0;
  std::uint64_t nonsense_ = 0;
  std::uint64_t highest_ = 0;
  bool any_ = false;
};

Result<void> walk_device(const Fd& fd, Walk& walk) {
  std::vector<char> buffer(longest_record);
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got > 0) {
      if (!walk.take({buffer.data(), static_cast<std::size_t>(got)})) return {};
    } else if (got == 0 || errno == EAGAIN) {
      return {};
    } else if (errno != EPIPE &&
               errno != EINTR) {  // EPIPE: records were dropped meanwhile; their numbers tell
      return fail(cannot("read", names::kernel_log, errno));
    }
  }
}

// Of a capture: a record is a line, and those after it that begin with a blank.
void walk_text(std::string_view text, Walk& walk) {
  while (!text.empty()) {
    std::size_t end = text.find('\n');
    while (end != std::string_view::npos && end + 1 < text.size() && text[end + 1] == ' ')
      end = text.find('\n', end + 1);
    const std::string_view record = text.substr(0, end);
    if (!walk.take(record.substr(0, longest_record))) return;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

bool is_printable(std::string_view text) {
  for (const char c : text) {
    if (c < ' ' || c > '~') return false;
  }
  return true;
}

}  // namespace

std::optional<KernelRecord> parse_kernel_record(std::string_view text) {
  // "4,1234,5678901,-;message", then lines " KEY=value".
  const auto semicolon = text.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  const auto head = split(text.substr(0, semicolon), ',');
  if (head.size() < 3) return std::nullopt;
  const auto priority = to_number<unsigned>(head[0]);
  const auto sequence = to_number<std::uint64_t>(head[1]);
  const auto time = to_number<std::uint64_t>(head[2]);
  constexpr std::uint64_t a_century = 100ULL * 366 * 86400 * 1000000;
  if (!priority || !sequence || !time || *time > a_century || *sequence == UINT64_MAX) return std::nullopt;

  KernelRecord record;
  constexpr unsigned priority_bits = 3;
  record.is_of_kernel = (*priority >> priority_bits) == 0;
  record.sequence = *sequence;
  record.since_boot = std::chrono::microseconds(static_cast<std::int64_t>(*time));
  text.remove_prefix(semicolon + 1);
  const auto end = text.find('\n');
  record.message = text.substr(0, end).substr(0, longest_message);
  for (const std::string_view line :
       lines(end == std::string_view::npos ? std::string_view() : text.substr(end + 1))) {
    constexpr std::string_view key = " DEVICE=";
    if (line.starts_with(key) && is_printable(line)) record.device = line.substr(key.size());
  }
  return record;
}

Result<KernelLogWalk> walk_kernel_log(const Files& files, std::uint64_t from,
                                      const std::function<void(const KernelRecord&)>& visit) {
  const auto info = files.look_through(names::kernel_log);
  if (!info) return fail(while_doing("read the kernel log", info.error()));
  Walk walk(from, visit);
  if (info->kind == Kind::file) {
    const auto text = files.read(names::kernel_log, largest_capture);
    if (!text) return fail(while_doing("read the kernel log", text.error()));
    walk_text(*text, walk);
    return std::move(walk).end();
  }
  const auto fd = files.open_at(names::kernel_log, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return fail(while_doing("read the kernel log", fd.error()));
  const auto read = walk_device(*fd, walk);
  if (!read) return fail(while_doing("read the kernel log", read.error()));
  return std::move(walk).end();
}

}  // namespace fettle::system
