#include "facts/collected_file.h"

#include "base/names.h"
#include "base/utc.h"

namespace fettle::facts {

std::string collected_file(std::string_view kind) {
  return std::string(names::collect_directory) + "/" + std::string(kind) + ".json";
}

}  // namespace fettle::facts

namespace fettle::facts::collected {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

constexpr std::uint64_t format = 1;
constexpr Bytes largest = 1_MiB;
constexpr std::string_view timer_hint =
    "`systemctl status fettle-collect.timer fettle-collect.service` tells why; `fettle collect --now` looks "
    "now";

}  // namespace

Error half(std::string_view what) {
  return {Why::malformed, "cannot use the result about " + std::string(what) + ": parts of it are missing",
          std::string(timer_hint)};
}

json::object error_object(const Error& error) {
  json::object inner{{"why", to_text(error.why)}, {"said", error.said}, {"hint", error.hint}};
  json::object object;
  object["error"] = std::move(inner);
  return object;
}

std::optional<Error> error_in(const json::value* value, std::string_view what) {
  if (value == nullptr || !value->is_object()) return half(what);
  const json::value* const field = json_field(*value, "error");
  if (field == nullptr) return std::nullopt;
  Error error{Why::failed, json_text(*field, "said"), json_text(*field, "hint")};
  for (const Why why : {Why::missing, Why::denied, Why::malformed, Why::refused, Why::timed_out}) {
    if (json_text(*field, "why") == to_text(why)) error.why = why;
  }
  return error.said.empty() ? half(what) : error;
}

json::object head_of(const Stamp& stamp) {
  return {{"format", format},
          {"checked_at", utc_text(stamp.at)},
          {"uptime_seconds", stamp.uptime.count()},
          {"valid_seconds", stamp.valid.count()}};
}

Result<Read> parse_head(std::string_view text, std::string_view what) {
  auto value = parse_json(text, "the result about " + std::string(what));
  if (!value) return fail(value.error());
  if (json_count(*value, "format") != format) {
    return fail(Why::malformed,
                "cannot use the result about " + std::string(what) + ": its format is another version's",
                std::string(timer_hint));
  }
  Numbers numbers(&*value);
  Read read;
  read.stamp.at = parse_utc(json_text(*value, "checked_at"));
  read.stamp.uptime = seconds(numbers.small("uptime_seconds"));
  read.stamp.valid = seconds(numbers.small("valid_seconds"));
  if (!numbers.good()) return fail(half(what));
  read.value = std::move(*value);
  return read;
}

std::optional<seconds> parse_hang(const json::value& value) {
  const json::value* const field = json_field(value, "hangs_since_uptime_seconds");
  if (field == nullptr || field->is_null()) return std::nullopt;
  Numbers numbers(&value);
  return seconds(numbers.small("hangs_since_uptime_seconds"));
}

json::value hang_json(const std::optional<seconds>& since) {
  return since ? json::value(since->count()) : json::value(nullptr);
}

Result<std::string> read_kind(const system::Files& files, std::string_view kind, std::string_view what) {
  auto text = files.read(collected_file(kind), largest);
  if (text) return text;
  Error error = while_doing("tell about " + std::string(what), text.error());
  if (error.why == Why::missing) {
    error.said = "cannot tell about " + std::string(what) + ": nothing was collected yet";
    error.hint = timer_hint;
  }
  return fail(std::move(error));
}

std::optional<Error> too_old(const Stamp& stamp, const Result<seconds>& uptime, std::string_view what) {
  if (!uptime)
    return while_doing("tell how old the result about " + std::string(what) + " is", uptime.error());
  // The uptime is that of the last look, so a result may seem to come from later.
  const seconds age = *uptime - stamp.uptime;
  if (age <= stamp.valid) return std::nullopt;
  return Error{Why::timed_out,
               "cannot tell about " + std::string(what) + ": the last result is " +
                   std::to_string(std::chrono::duration_cast<std::chrono::minutes>(age).count()) + " min old",
               std::string(timer_hint)};
}

}  // namespace fettle::facts::collected
