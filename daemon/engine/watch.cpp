#include "engine/watch.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/json.h"
#include "base/names.h"
#include "facts/readers.h"

namespace fettle::engine {
namespace {

using facts::EngineState;
using facts::EngineTrial;

// vLLM and SGLang both answer 200 here once the model is loaded, and nothing or 503 before.
constexpr std::string_view health = "/health";
constexpr std::string_view list_of_models = "/v1/models";
constexpr std::string_view completions = "/v1/completions";
constexpr std::size_t most_models = 100;

std::vector<std::string> names_of_models(const Answer& answer) {
  std::vector<std::string> models;
  const auto value = parse_json(answer.body, "the engine's list of models");
  if (answer.status != 200 || !value) return models;
  for (const boost::json::value& each : json_list(*value, "data")) {
    std::string id = json_text(each, "id");
    if (!id.empty() && models.size() < most_models) models.push_back(std::move(id));
  }
  return models;
}

// One token, the shortest prompt: what is measured is that the whole way works.
std::string prompt_for(const std::string& model) {
  return boost::json::serialize(
      boost::json::object{{"model", model}, {"prompt", "Hello"}, {"max_tokens", 1}, {"temperature", 0}});
}

void ask_for_a_token(const profile::Engine& engine, EngineTrial& trial, const Ask& ask,
                     const system::Clock& clock) {
  const auto answer = ask({engine.url, std::string(completions), prompt_for(engine.model), token_deadline});
  if (!answer) {
    trial.token_says = answer.error().said;
  } else if (answer->status != 200) {
    trial.token_says = "it answers " + std::to_string(answer->status) + " to a prompt";
  } else {
    trial.token_at = clock.now();
    trial.token_says.clear();
  }
}

}  // namespace

EngineTrial try_engine(const profile::Engine& engine, const EngineTrial* before, const Ask& ask,
                       const system::Clock& clock) {
  EngineTrial trial;
  trial.name = engine.name;
  trial.url = engine.url;
  if (before != nullptr) {
    trial.served_at = before->served_at;
    trial.token_at = before->token_at;
    trial.token_says = before->token_says;
  }
  const auto answer = ask({engine.url, std::string(health), {}});
  if (!answer) {
    trial.says = answer.error().said;
    // It listens and is too busy to say so, or talks no HTTP: something is there.
    trial.state = answer.error().why == Why::refused ? EngineState::silent : EngineState::starting;
    if (answer.error().why == Why::malformed) trial.state = EngineState::silent;
    return trial;
  }
  if (answer->status != 200) {
    trial.state = EngineState::starting;
    trial.says = "it answers " + std::to_string(answer->status) + " at " + std::string(health);
    return trial;
  }
  if (const auto listed = ask({engine.url, std::string(list_of_models), {}}))
    trial.models = names_of_models(*listed);
  trial.state = EngineState::serving;
  trial.says = "it answers 200 at " + std::string(health);
  const bool is_wanted = engine.model.empty() || std::find(trial.models.begin(), trial.models.end(),
                                                           engine.model) != trial.models.end();
  if (!is_wanted) return trial;
  if (!trial.served_at) trial.served_at = clock.now();
  if (engine.first_token && !trial.token_at) ask_for_a_token(engine, trial, ask, clock);
  return trial;
}

Result<std::chrono::seconds> turn(const std::vector<profile::Engine>& engines, const Ask& ask,
                                  const system::System& system) {
  const auto uptime = facts::read_uptime(system.files);
  if (!uptime) return fail(while_doing("watch the engines", uptime.error()));
  facts::EngineTrials before;
  // /run is empty after a boot. A report that nobody can read is no reason to stop: it is written anew.
  if (const auto text = system.files.read(names::engine_report, largest_answer)) {
    if (auto parsed = facts::parse_engine_trials(*text)) before = std::move(*parsed);
  }
  facts::EngineTrials trials;
  bool is_settled = true;
  for (const profile::Engine& engine : engines) {
    const EngineTrial* known = facts::find(before, engine.name);
    if (known != nullptr && known->url != engine.url) known = nullptr;  // another one under that name
    trials.engines.push_back(try_engine(engine, known, ask, system.clock));
    const EngineTrial& now = trials.engines.back();
    is_settled = is_settled && now.served_at && (!engine.first_token || now.token_at);
  }
  trials.stamp = {system.clock.now(), facts::read_uptime(system.files).value_or(*uptime), result_valid};
  if (auto written = system.files.write(names::engine_report, pretty_json(to_json(trials)), 0644); !written)
    return fail(while_doing("watch the engines", written.error()));
  return is_settled ? settled : eager;
}

}  // namespace fettle::engine
