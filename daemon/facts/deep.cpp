#include "facts/deep.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "facts/collected_file.h"

namespace fettle::facts {
namespace {

namespace json = boost::json;
using namespace collected;

constexpr std::string_view about_deep = "the deep checks";
constexpr std::uint64_t format = 1;
constexpr Bytes largest = 1_MiB;

Error broken() {
  return {Why::malformed, "cannot use what the deep checks left: parts of it are missing",
          "`fettle check --deep` runs them anew"};
}

}  // namespace

json::object to_json(const DeepTrials& trials) {
  json::array checks;
  for (const DeepTrial& trial : trials.checks) {
    json::object object = head_of(trial.stamp);
    object["name"] = trial.name;
    object["status"] = to_text(trial.status);
    object["says"] = trial.says;
    checks.emplace_back(std::move(object));
  }
  return {{"format", format}, {"checks", std::move(checks)}};
}

Result<DeepTrials> parse_deep_trials(std::string_view text) {
  const auto value = parse_json(text, about_deep);
  if (!value) return fail(value.error());
  const json::value* const checks = json_field(*value, "checks");
  if (json_count(*value, "format") != format || checks == nullptr || !checks->is_array())
    return fail(broken());
  DeepTrials trials;
  for (const json::value& each : checks->get_array()) {
    const auto head = parse_head(json::serialize(each), about_deep);
    if (!head) return fail(broken());
    DeepTrial trial{json_text(each, "name"), head->stamp, Status::unknown, json_text(each, "says")};
    bool is_known = false;
    for (const Status status : {Status::pass, Status::warn, Status::fail, Status::unknown}) {
      if (json_text(each, "status") != to_text(status)) continue;
      trial.status = status;
      is_known = true;
    }
    if (!is_known || trial.name.empty()) return fail(broken());
    trials.checks.push_back(std::move(trial));
  }
  return trials;
}

Result<DeepTrials> read_deep_trials(const system::Files& files) {
  const auto text = files.read(collected_file(deep_kind), largest);
  if (!text) return fail(text.error());
  return parse_deep_trials(*text);
}

const DeepTrial* find(const DeepTrials& trials, std::string_view name) {
  for (const DeepTrial& trial : trials.checks) {
    if (trial.name == name) return &trial;
  }
  return nullptr;
}

}  // namespace fettle::facts
