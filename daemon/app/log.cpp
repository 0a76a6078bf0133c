#include "app/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "serve/requests.h"

namespace fettle::app {
namespace {

int priority(Level level) {  // as syslog(3)
  switch (level) {
    case Level::error:
      return 3;
    case Level::warning:
      return 4;
    case Level::info:
      return 6;
    case Level::debug:
      return 7;
  }
  return 7;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::error:
      return spdlog::level::err;
    case Level::warning:
      return spdlog::level::warn;
    case Level::info:
      return spdlog::level::info;
    case Level::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::debug;
}

std::string visible(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "; ";
    } else if (byte < 0x20 || byte == 0x7F) {
      line += '?';
    } else {
      line += c;
    }
  }
  return line;
}

void to_journal(Level level, std::string_view text, std::initializer_list<Field> fields) {
  std::vector<std::string> entries{"MESSAGE=" + visible(text), "PRIORITY=" + std::to_string(priority(level)),
                                   "SYSLOG_IDENTIFIER=fettled"};
  for (const Field& field : fields) {
    if (field.name == "message") {
      entries.push_back("MESSAGE_ID=" + field.value);
      continue;
    }
    std::string name = "FETTLE_";
    for (const char c : field.name) name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    entries.push_back(name + "=" + visible(field.value));
  }
  std::vector<iovec> parts;
  parts.reserve(entries.size());
  for (std::string& entry : entries) parts.push_back({entry.data(), entry.size()});
  (void)sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));  // nobody is left to tell
}

spdlog::logger& terminal() {
  static const auto logger = [] {
    auto made = std::make_unique<spdlog::logger>(
        "fettled", std::make_shared<spdlog::sinks::ansicolor_stderr_sink_st>(spdlog::color_mode::automatic));
    made->set_pattern("fettled: %^%l%$: %v");
    made->set_level(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

}  // namespace

std::optional<Level> level_of(std::string_view word) {
  constexpr std::array levels{Level::error, Level::warning, Level::info, Level::debug};
  static_assert(levels.size() == serve::log_levels.size());
  const auto found = std::find(serve::log_levels.begin(), serve::log_levels.end(), word);
  if (found == serve::log_levels.end()) return std::nullopt;
  return levels.at(static_cast<std::size_t>(found - serve::log_levels.begin()));
}

Log::Log(Goes goes, Level least) : goes_(goes), least_(least) {}

void Log::tell(Level level, std::string_view text, std::initializer_list<Field> fields) const {
  if (level > least_) return;
  if (goes_ == Goes::to_journal) {
    to_journal(level, text, fields);
  } else {
    terminal().log(spdlog_level(level), "{}", visible(text));
  }
}

Log::Goes standard_error_goes(const char* journal_stream) {
  struct stat info {};
  if (journal_stream == nullptr || ::fstat(STDERR_FILENO, &info) != 0) return Log::Goes::to_stderr;
  const std::string ours = std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
  return ours == journal_stream ? Log::Goes::to_journal : Log::Goes::to_stderr;
}

}  // namespace fettle::app
