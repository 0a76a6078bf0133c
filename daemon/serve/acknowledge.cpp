#include "serve/acknowledge.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "base/utc.h"
#include "serve/print.h"

namespace fettle::serve {
namespace {

namespace json = boost::json;

constexpr std::string_view body_hint =
    R"(the body is JSON such as {"check":"gpu.count","for_seconds":28800,"because":"the card is ordered"})";

Result<json::value> parse_body(std::string_view body, std::initializer_list<std::string_view> known) {
  auto value = parse_json(body, "the body");
  if (!value) return fail(Why::malformed, value.error().said, std::string(body_hint));
  if (!value->is_object())
    return fail(Why::malformed, "cannot read the body: it is no object", std::string(body_hint));
  for (const auto& [name, field] : value->get_object()) {
    if (std::find(known.begin(), known.end(), std::string_view(name)) == known.end())
      return fail(Why::malformed,
                  "cannot read the body: unknown field '" + std::string(name.substr(0, 64)) + "'",
                  std::string(body_hint));
  }
  if (json_text(*value, "check").empty())
    return fail(Why::malformed, "cannot read the body: it names no check", std::string(body_hint));
  return value;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '\x7F';
}

// From good to bad. What could not be looked at compares with nothing.
int badness(std::string_view status) {
  if (status == to_text(Status::fail)) return 2;
  return status == to_text(Status::warn) ? 1 : 0;
}

}  // namespace

Result<Acknowledge> parse_acknowledge(std::string_view body) {
  const auto value = parse_body(body, {"check", "for_seconds", "because"});
  if (!value) return fail(value.error());
  Acknowledge asked{json_text(*value, "check"), {}, std::string(trim(json_text(*value, "because")))};
  const std::uint64_t count = json_count(*value, "for_seconds");
  const auto most = static_cast<std::uint64_t>(std::chrono::seconds(longest_acknowledgement).count());
  const auto least = static_cast<std::uint64_t>(std::chrono::seconds(shortest_acknowledgement).count());
  if (count < least || count > most) {
    return fail(Why::malformed, "cannot acknowledge for that time: from a minute to 30 days can be asked for",
                "what is to stay as it is belongs into the profile");
  }
  if (asked.because.empty() || asked.because.size() > reason_limit ||
      std::any_of(asked.because.begin(), asked.because.end(), &is_control)) {
    return fail(Why::malformed, "cannot acknowledge without a reason: one line of at most 500 bytes",
                "say for whoever comes next why this may be so, and what is being done");
  }
  asked.time = std::chrono::seconds(static_cast<std::int64_t>(count));
  return asked;
}

Result<std::string> parse_withdraw(std::string_view body) {
  const auto value = parse_body(body, {"check"});
  if (!value) return fail(value.error());
  return json_text(*value, "check");
}

bool covers(const store::Acknowledgement& acknowledgement, const NamedFinding& named,
            std::chrono::system_clock::time_point now) {
  const Status status = named.finding.status;
  if (acknowledgement.check != named.id || acknowledgement.until <= now) return false;
  if (status == Status::pass || status == Status::not_applicable) return false;  // there is nothing to cover
  const std::string_view word = fettle::to_text(status);
  if (word == acknowledgement.status) return named.finding.says == acknowledgement.says;
  return status != Status::unknown && acknowledgement.status != fettle::to_text(Status::unknown) &&
         badness(word) < badness(acknowledgement.status);
}

const store::Acknowledgement* acknowledgement_of(const Acknowledgements& all, const NamedFinding& named,
                                                 std::chrono::system_clock::time_point now) {
  const auto found = std::find_if(
      all.begin(), all.end(), [&](const store::Acknowledgement& each) { return covers(each, named, now); });
  return found == all.end() ? nullptr : &*found;
}

std::string to_text(const store::Acknowledgement& acknowledgement) {
  return "acknowledged until " + utc(acknowledgement.until) + " by " + acknowledgement.by + ": " +
         acknowledgement.because;
}

json::object to_json(const store::Acknowledgement& acknowledgement) {
  return {{"by", acknowledgement.by},
          {"because", acknowledgement.because},
          {"at", utc(acknowledgement.at)},
          {"until", utc(acknowledgement.until)}};
}

json::array to_json(const Acknowledgements& all, const Findings& findings,
                    std::chrono::system_clock::time_point now) {
  json::array list;
  for (const store::Acknowledgement& each : all) {
    const bool is_covering = std::any_of(findings.begin(), findings.end(),
                                         [&](const NamedFinding& named) { return covers(each, named, now); });
    json::object item{{"check", each.check}, {"status", each.status}, {"says", each.says}};
    for (const auto& [name, value] : to_json(each)) item[name] = value;
    item["covers"] = is_covering;
    list.emplace_back(std::move(item));
  }
  return list;
}

Acknowledgements parse_acknowledgements(const json::array& list) {
  Acknowledgements all;
  for (const json::value& item : list) {
    if (!item.is_object()) continue;
    all.push_back({json_text(item, "check"), json_text(item, "status"), json_text(item, "says"),
                   json_text(item, "by"), json_text(item, "because"), parse_utc(json_text(item, "at")),
                   parse_utc(json_text(item, "until"))});
  }
  return all;
}

}  // namespace fettle::serve
