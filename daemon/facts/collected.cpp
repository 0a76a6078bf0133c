#include "facts/collected.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <ctime>

#include "base/json.h"
#include "base/names.h"

namespace fettle::facts {
namespace {

namespace json = boost::json;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr std::uint64_t format = 1;
constexpr Bytes largest = 1_MiB;
constexpr std::string_view timer_hint =
    "`systemctl status fettle-collect.timer fettle-collect.service` tells why; `fettle collect --now` looks "
    "now";

// Reads the numbers of one object; one that is missing or no number spoils all: half a value must not read as
// zero errors.
class Numbers {
 public:
  explicit Numbers(const json::value* value) : value_(value) {}

  std::uint64_t operator()(std::string_view key) {
    const json::value* const field = value_ == nullptr ? nullptr : json_field(*value_, key);
    boost::system::error_code err;
    const auto number = field == nullptr ? 0 : field->to_number<std::uint64_t>(err);
    if (field == nullptr || err) good_ = false;
    return number;
  }
  unsigned small(std::string_view key) {
    const std::uint64_t number = (*this)(key);
    if (number > 0xFFFFFFFFU) good_ = false;
    return static_cast<unsigned>(number);
  }
  microseconds time(std::string_view key) {
    return microseconds(static_cast<std::int64_t>((*this)(key)&0x7FFFFFFFFFFFFFFFULL));
  }
  bool good() const { return good_; }

 private:
  const json::value* value_;
  bool good_ = true;
};

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

// The error that stands in place of a value, when one does.
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

std::string time_text(std::chrono::system_clock::time_point time) {
  const std::time_t count = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&count, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::chrono::system_clock::time_point parse_time(const std::string& text) {
  std::tm parts{};
  const char* const end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

json::object head_of(const Stamp& stamp) {
  return {{"format", format},
          {"checked_at", time_text(stamp.at)},
          {"uptime_seconds", stamp.uptime.count()},
          {"valid_seconds", stamp.valid.count()}};
}

struct Read {
  json::value value;
  Stamp stamp;
};

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
  read.stamp.at = parse_time(json_text(*value, "checked_at"));
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

// The text of the file, when there is one.
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

template <class Trial>
Result<Trial> fresh(Result<Trial> trial, const Result<seconds>& uptime, std::string_view what) {
  if (!trial) return trial;
  if (auto error = too_old(trial->stamp, uptime, what)) return fail(std::move(*error));
  return trial;
}

constexpr std::string_view about_cache = "what the cache takes";
constexpr std::string_view about_drives = "the drives' health";
constexpr std::string_view about_usage = "what fills the cache";

}  // namespace

std::string collected_file(std::string_view kind) {
  return std::string(names::collect_directory) + "/" + std::string(kind) + ".json";
}

const DirectoryUsage* find(const CacheUsage& usage, std::string_view name) {
  for (const DirectoryUsage& directory : usage.directories) {
    if (directory.name == name) return &directory;
  }
  return nullptr;
}

Bytes reserve_of(const profile::Profile& profile, const Result<CacheUsage>& usage) {
  Bytes reserve = profile.cache ? profile.cache->reserve : Bytes{};
  for (const profile::CacheDirectory& wanted : profile.caches) {
    const DirectoryUsage* const known = usage ? find(*usage, wanted.name) : nullptr;
    reserve += wanted.reserve - (known != nullptr && known->now ? known->now->used : Bytes{});
  }
  return reserve;
}

std::optional<std::int64_t> bytes_per_hour(const DirectoryUsage& directory) {
  if (!directory.grown_bytes || directory.since.count() <= 0) return std::nullopt;
  return static_cast<std::int64_t>(static_cast<double>(*directory.grown_bytes) * 3600.0 /
                                   static_cast<double>(directory.since.count()));
}

Bytes rate_of(const system::ReadTimes& reads) {
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(1, reads.median.count()));
  return {reads.size.count * 1000000 / time};
}

json::object to_json(const Result<system::WriteBack>& done) {
  if (!done) return error_object(done.error());
  json::array extents;
  for (const system::Extent& extent : done->extents)
    extents.push_back({{"at_bytes", extent.at.count}, {"size_bytes", extent.size.count}});
  json::object object{{"size_bytes", done->size.count},
                      {"write_microseconds", done->write.count()},
                      {"read_microseconds", done->read.count()},
                      {"direct", done->direct}};
  object["extents"] = std::move(extents);
  return object;
}

Result<system::WriteBack> parse_write_back(const json::value* value) {
  if (auto error = error_in(value, about_cache)) return fail(std::move(*error));
  Numbers numbers(value);
  system::WriteBack done;
  done.size = {numbers("size_bytes")};
  done.write = numbers.time("write_microseconds");
  done.read = numbers.time("read_microseconds");
  const json::value* const direct = json_field(*value, "direct");
  done.direct = direct != nullptr && direct->is_bool() && direct->get_bool();
  if (const json::value* const extents = json_field(*value, "extents"); extents != nullptr) {
    if (!extents->is_array()) return fail(half(about_cache));
    for (const json::value& item : extents->get_array()) {
      Numbers part(&item);
      done.extents.push_back({{part("at_bytes")}, {part("size_bytes")}});
      if (!part.good()) return fail(half(about_cache));
    }
  }
  if (!numbers.good() || done.size.count == 0) return fail(half(about_cache));
  return done;
}

json::object to_json(const Result<system::Smart>& smart) {
  if (!smart) return error_object(smart.error());
  return {{"critical_warning", smart->critical_warning},
          {"temperature_kelvin", smart->temperature_celsius + 273},
          {"spare_percent", smart->spare_percent},
          {"spare_threshold_percent", smart->spare_threshold_percent},
          {"used_percent", smart->used_percent},
          {"read_bytes", smart->read.count},
          {"written_bytes", smart->written.count},
          {"power_on_hours", smart->power_on_hours},
          {"unsafe_shutdowns", smart->unsafe_shutdowns},
          {"media_errors", smart->media_errors}};
}

Result<system::Smart> parse_smart(const json::value* value) {
  if (auto error = error_in(value, about_drives)) return fail(std::move(*error));
  Numbers numbers(value);
  system::Smart smart;
  smart.critical_warning = numbers.small("critical_warning");
  smart.temperature_celsius = static_cast<int>(numbers.small("temperature_kelvin") & 0xFFFFU) - 273;
  smart.spare_percent = numbers.small("spare_percent");
  smart.spare_threshold_percent = numbers.small("spare_threshold_percent");
  smart.used_percent = numbers.small("used_percent");
  smart.read = {numbers("read_bytes")};
  smart.written = {numbers("written_bytes")};
  smart.power_on_hours = numbers("power_on_hours");
  smart.unsafe_shutdowns = numbers("unsafe_shutdowns");
  smart.media_errors = numbers("media_errors");
  if (!numbers.good()) return fail(half(about_drives));
  return smart;
}

json::object to_json(const Result<system::ReadTimes>& reads) {
  if (!reads) return error_object(reads.error());
  return {{"count", reads->count},
          {"size_bytes", reads->size.count},
          {"median_microseconds", reads->median.count()},
          {"slowest_microseconds", reads->slowest.count()}};
}

Result<system::ReadTimes> parse_reads(const json::value* value) {
  if (auto error = error_in(value, about_drives)) return fail(std::move(*error));
  Numbers numbers(value);
  system::ReadTimes reads;
  reads.count = numbers.small("count");
  reads.size = {numbers("size_bytes")};
  reads.median = numbers.time("median_microseconds");
  reads.slowest = numbers.time("slowest_microseconds");
  if (!numbers.good()) return fail(half(about_drives));
  return reads;
}

json::object to_json(const Result<system::Usage>& usage) {
  if (!usage) return error_object(usage.error());
  return {{"used_bytes", usage->used.count}, {"files", usage->files}, {"whole", usage->whole}};
}

Result<system::Usage> parse_usage(const json::value* value) {
  if (auto error = error_in(value, about_usage)) return fail(std::move(*error));
  Numbers numbers(value);
  system::Usage usage;
  usage.used = {numbers("used_bytes")};
  usage.files = numbers("files");
  const json::value* const whole = json_field(*value, "whole");
  usage.whole = whole != nullptr && whole->is_bool() && whole->get_bool();
  if (!numbers.good()) return fail(half(about_usage));
  return usage;
}

json::object to_json(const CacheUsage& usage) {
  json::object object = head_of(usage.stamp);
  object["path"] = usage.path;
  object["hangs_since_uptime_seconds"] = hang_json(usage.hangs_since);
  json::array directories;
  for (const DirectoryUsage& directory : usage.directories) {
    json::object item{{"name", directory.name}};
    item["now"] = to_json(directory.now);
    item["grown_bytes"] = directory.grown_bytes ? json::value(*directory.grown_bytes) : json::value(nullptr);
    item["grown_in_seconds"] = directory.since.count();
    directories.emplace_back(std::move(item));
  }
  object["directories"] = std::move(directories);
  return object;
}

Result<CacheUsage> parse_cache_usage(std::string_view text) {
  auto read = parse_head(text, about_usage);
  if (!read) return fail(read.error());
  CacheUsage usage;
  usage.stamp = read->stamp;
  usage.path = json_text(read->value, "path");
  usage.hangs_since = parse_hang(read->value);
  const json::value* const directories = json_field(read->value, "directories");
  if (directories == nullptr || !directories->is_array()) return fail(half(about_usage));
  for (const json::value& item : directories->get_array()) {
    DirectoryUsage directory;
    directory.name = json_text(item, "name");
    directory.now = parse_usage(json_field(item, "now"));
    const json::value* const grown = json_field(item, "grown_bytes");
    if (grown != nullptr && grown->is_number()) {
      boost::system::error_code err;
      const auto bytes = grown->to_number<std::int64_t>(err);
      if (!err) directory.grown_bytes = bytes;
    }
    Numbers numbers(&item);
    directory.since = seconds(numbers.small("grown_in_seconds"));
    usage.directories.push_back(std::move(directory));
  }
  return usage;
}

json::object to_json(const CacheTrial& trial) {
  json::object object = head_of(trial.stamp);
  object["path"] = trial.path;
  object["done"] = to_json(trial.done);
  object["hangs_since_uptime_seconds"] = hang_json(trial.hangs_since);
  object["members"] = trial.members;
  object["members_reached"] = trial.reached;
  object["generation"] = trial.generation;
  return object;
}

Result<CacheTrial> parse_cache_trial(std::string_view text) {
  auto read = parse_head(text, about_cache);
  if (!read) return fail(read.error());
  CacheTrial trial;
  trial.stamp = read->stamp;
  trial.path = json_text(read->value, "path");
  trial.done = parse_write_back(json_field(read->value, "done"));
  trial.hangs_since = parse_hang(read->value);
  Numbers numbers(&read->value);
  trial.members = numbers.small("members");
  trial.reached = numbers.small("members_reached");
  trial.generation = json_text(read->value, "generation");
  if (!numbers.good()) return fail(half(about_cache));
  return trial;
}

json::object to_json(const DriveTrials& trials) {
  json::object object = head_of(trials.stamp);
  json::array drives;
  for (const DriveTrial& trial : trials.drives) {
    json::object drive{{"serial", trial.serial}, {"model", trial.model}, {"name", trial.name}};
    drive["smart"] = to_json(trial.smart);
    drive["reads"] = to_json(trial.reads);
    drive["first_reads"] =
        trial.first ? json::value(to_json(Result<system::ReadTimes>(*trial.first))) : json::value(nullptr);
    drive["hangs_since_uptime_seconds"] = hang_json(trial.hangs_since);
    drives.emplace_back(std::move(drive));
  }
  object["drives"] = std::move(drives);
  return object;
}

Result<DriveTrials> parse_drive_trials(std::string_view text) {
  auto read = parse_head(text, about_drives);
  if (!read) return fail(read.error());
  DriveTrials trials;
  trials.stamp = read->stamp;
  const json::value* const drives = json_field(read->value, "drives");
  if (drives == nullptr || !drives->is_array()) return fail(half(about_drives));
  for (const json::value& item : drives->get_array()) {
    DriveTrial trial;
    trial.serial = json_text(item, "serial");
    trial.model = json_text(item, "model");
    trial.name = json_text(item, "name");
    trial.smart = parse_smart(json_field(item, "smart"));
    trial.reads = parse_reads(json_field(item, "reads"));
    const json::value* const first = json_field(item, "first_reads");
    if (first != nullptr && !first->is_null()) {
      if (const auto reads = parse_reads(first)) trial.first = *reads;
    }
    trial.hangs_since = parse_hang(item);
    trials.drives.push_back(std::move(trial));
  }
  return trials;
}

Result<CacheTrial> read_cache_trial(const system::Files& files, const Result<seconds>& uptime) {
  const auto text = read_kind(files, cache_kind, about_cache);
  if (!text) return fail(text.error());
  return fresh(parse_cache_trial(*text), uptime, about_cache);
}

Result<DriveTrials> read_drive_trials(const system::Files& files, const Result<seconds>& uptime) {
  const auto text = read_kind(files, drives_kind, about_drives);
  if (!text) return fail(text.error());
  return fresh(parse_drive_trials(*text), uptime, about_drives);
}

Result<CacheUsage> read_cache_usage(const system::Files& files, const Result<seconds>& uptime) {
  const auto text = read_kind(files, usage_kind, about_usage);
  if (!text) return fail(text.error());
  return fresh(parse_cache_usage(*text), uptime, about_usage);
}

}  // namespace fettle::facts
