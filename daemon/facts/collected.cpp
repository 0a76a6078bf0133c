#include "facts/collected.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/json.h"
#include "facts/collected_file.h"

namespace fettle::facts {
namespace {

namespace json = boost::json;
using std::chrono::seconds;
using namespace collected;

constexpr std::string_view about_cache = "what the cache takes";
constexpr std::string_view about_drives = "the drives' health";
constexpr std::string_view about_usage = "what fills the cache";

}  // namespace

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
