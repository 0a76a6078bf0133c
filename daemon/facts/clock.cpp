#include "facts/clock.h"

#include "facts/collected_file.h"

namespace fettle::facts {
namespace {

using namespace collected;

constexpr std::string_view about_clock = "the clock";
constexpr std::string_view synchronised = "synchronised";
constexpr std::string_view free_running = "free_running";

}  // namespace

boost::json::object to_json(const ClockTrial& trial) {
  boost::json::object object = head_of(trial.stamp);
  if (trial.sync) {
    object["sync"] = {{"is", *trial.sync == system::TimeSync::synchronised ? synchronised : free_running}};
  } else {
    object["sync"] = error_object(trial.sync.error());
  }
  return object;
}

Result<ClockTrial> parse_clock_trial(std::string_view text) {
  const auto read = parse_head(text, about_clock);
  if (!read) return fail(read.error());
  ClockTrial trial;
  trial.stamp = read->stamp;
  const boost::json::value* const sync = json_field(read->value, "sync");
  if (auto error = error_in(sync, about_clock)) {
    trial.sync = fail(std::move(*error));
    return trial;
  }
  const std::string is = json_text(*sync, "is");
  if (is != synchronised && is != free_running) return fail(half(about_clock));
  trial.sync = is == synchronised ? system::TimeSync::synchronised : system::TimeSync::free_running;
  return trial;
}

Result<ClockTrial> read_clock_trial(const system::Files& files, const Result<std::chrono::seconds>& uptime) {
  const auto text = read_kind(files, clock_kind, about_clock);
  if (!text) return fail(text.error());
  return fresh(parse_clock_trial(*text), uptime, about_clock);
}

}  // namespace fettle::facts
