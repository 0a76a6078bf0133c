#include "facts/engines.h"

#include <boost/json/array.hpp>

#include "base/names.h"
#include "base/utc.h"
#include "facts/collected_file.h"

namespace fettle::facts {
namespace {

namespace json = boost::json;
using namespace collected;

constexpr std::string_view about_engines = "the engines";
constexpr std::string_view hint = "`systemctl status fettle-engine` tells why nobody asks them";
constexpr Bytes largest = 1_MiB;

json::value time_or_null(const std::optional<std::chrono::system_clock::time_point>& time) {
  return time ? json::value(utc_text(*time)) : json::value(nullptr);
}

std::optional<std::chrono::system_clock::time_point> time_of(const json::value& object,
                                                             std::string_view key) {
  const std::string text = json_text(object, key);
  if (text.empty()) return std::nullopt;
  return parse_utc(text);
}

Error with_hint(Error error) {
  error.hint = hint;
  return error;
}

}  // namespace

std::string_view to_text(EngineState state) {
  switch (state) {
    case EngineState::silent:
      return "silent";
    case EngineState::starting:
      return "starting";
    case EngineState::serving:
      return "serving";
  }
  return "silent";
}

json::object to_json(const EngineTrials& trials) {
  json::object object = head_of(trials.stamp);
  json::array engines;
  for (const EngineTrial& trial : trials.engines) {
    engines.push_back({{"name", trial.name},
                       {"url", trial.url},
                       {"state", to_text(trial.state)},
                       {"says", trial.says},
                       {"models", json::array(trial.models.begin(), trial.models.end())},
                       {"served_at", time_or_null(trial.served_at)},
                       {"token_at", time_or_null(trial.token_at)},
                       {"token_says", trial.token_says}});
  }
  object["engines"] = std::move(engines);
  return object;
}

Result<EngineTrials> parse_engine_trials(std::string_view text) {
  const auto read = parse_head(text, about_engines);
  if (!read) return fail(with_hint(read.error()));
  const json::value* const engines = json_field(read->value, "engines");
  if (engines == nullptr || !engines->is_array()) return fail(with_hint(half(about_engines)));
  EngineTrials trials{read->stamp, {}};
  for (const json::value& each : engines->get_array()) {
    EngineTrial trial;
    trial.name = json_text(each, "name");
    trial.url = json_text(each, "url");
    trial.says = json_text(each, "says");
    trial.token_says = json_text(each, "token_says");
    trial.served_at = time_of(each, "served_at");
    trial.token_at = time_of(each, "token_at");
    for (const json::value& model : json_list(each, "models")) {
      if (model.is_string()) trial.models.emplace_back(model.get_string());
    }
    const std::string state = json_text(each, "state");
    bool is_known = false;
    for (const EngineState one : {EngineState::silent, EngineState::starting, EngineState::serving}) {
      if (state != to_text(one)) continue;
      trial.state = one;
      is_known = true;
    }
    if (!is_known || trial.name.empty()) return fail(with_hint(half(about_engines)));
    trials.engines.push_back(std::move(trial));
  }
  return trials;
}

Result<EngineTrials> read_engine_trials(const system::Files& files,
                                        const Result<std::chrono::seconds>& uptime) {
  const auto text = files.read(names::engine_report, largest);
  if (!text) {
    Error error = with_hint(text.error());
    if (error.why == Why::missing) error.said = "cannot tell about the engines: nobody asked them yet";
    return fail(std::move(error));
  }
  auto trials = fresh(parse_engine_trials(*text), uptime, about_engines);
  if (!trials) return fail(with_hint(trials.error()));
  return trials;
}

const EngineTrial* find(const EngineTrials& trials, std::string_view name) {
  for (const EngineTrial& trial : trials.engines) {
    if (trial.name == name) return &trial;
  }
  return nullptr;
}

}  // namespace fettle::facts
