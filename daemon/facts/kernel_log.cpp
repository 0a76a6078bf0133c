#include "facts/kernel_log.h"

#include <array>
#include <boost/json/array.hpp>

#include "base/utc.h"
#include "facts/collected_file.h"

namespace fettle::facts {
namespace {

namespace json = boost::json;
using std::chrono::seconds;
using namespace collected;

constexpr std::string_view about_log = "the kernel log";

}  // namespace

json::object to_json(const KernelLog& log) {
  json::object object = head_of(log.stamp);
  object["boot_id"] = log.boot_id;
  object["rules"] = log.rules;
  object["next_record"] = log.next;
  object["lost_records"] = log.lost;
  object["lost_uptime_seconds"] =
      log.lost_uptime ? json::value(log.lost_uptime->count()) : json::value(nullptr);
  object["is_behind"] = log.is_behind;
  if (log.error) object["look"] = error_object(*log.error);
  json::array matches;
  for (const LogMatch& match : log.matches) {
    matches.push_back({{"rule", match.rule},
                       {"device", match.device},
                       {"count", match.count},
                       {"last_uptime_seconds", match.last_uptime.count()},
                       {"last_at", utc_text(match.last_at)}});
  }
  object["matches"] = std::move(matches);
  return object;
}

Result<KernelLog> parse_kernel_log(std::string_view text) {
  auto read = parse_head(text, about_log);
  if (!read) return fail(read.error());
  KernelLog log;
  log.stamp = read->stamp;
  log.boot_id = json_text(read->value, "boot_id");
  log.rules = json_text(read->value, "rules");
  Numbers numbers(&read->value);
  log.next = numbers("next_record");
  log.lost = numbers("lost_records");
  const json::value* const lost_uptime = json_field(read->value, "lost_uptime_seconds");
  if (lost_uptime != nullptr && !lost_uptime->is_null())
    log.lost_uptime = seconds(numbers.small("lost_uptime_seconds"));
  const json::value* const behind = json_field(read->value, "is_behind");
  log.is_behind = behind == nullptr || !behind->is_bool() || behind->get_bool();
  if (const json::value* const look = json_field(read->value, "look"); look != nullptr)
    log.error = error_in(look, about_log);
  const json::value* const matches = json_field(read->value, "matches");
  if (matches == nullptr || !matches->is_array()) return fail(half(about_log));
  for (const json::value& item : matches->get_array()) {
    Numbers each(&item);
    LogMatch match;
    match.rule = json_text(item, "rule");
    match.device = json_text(item, "device");
    match.count = each("count");
    match.last_uptime = seconds(each.small("last_uptime_seconds"));
    match.last_at = parse_utc(json_text(item, "last_at"));
    if (!each.good() || match.rule.empty()) return fail(half(about_log));
    log.matches.push_back(std::move(match));
  }
  if (!numbers.good()) return fail(half(about_log));
  return log;
}

Result<KernelLog> read_kernel_log(const system::Files& files, const Result<seconds>& uptime) {
  const auto text = read_kind(files, kernel_log_kind, about_log);
  if (!text) return fail(text.error());
  return fresh(parse_kernel_log(*text), uptime, about_log);
}

std::string digest_of(const std::vector<profile::LogRule>& rules) {
  // FNV-1a: nobody gains by a collision here.
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    hash = (hash ^ 0xffU) * 0x100000001b3ULL;
  };
  for (const profile::LogRule& rule : rules) {
    add(rule.name);
    add(rule.pattern);
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += digits[(hash >> static_cast<unsigned>(shift)) & 0xFU];
  return text;
}

}  // namespace fettle::facts
