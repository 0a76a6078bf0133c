#include "engine/findings.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace fettle::engine {
namespace {

using facts::EngineState;
using facts::EngineTrial;

std::string models_text(const EngineTrial& trial) {
  if (trial.models.empty()) return "a model that it does not name";
  std::string text = trial.models.front();
  if (trial.models.size() > 1) text += " and " + std::to_string(trial.models.size() - 1) + " more";
  return text;
}

Finding serving(const profile::Engine& wanted, const EngineTrial& trial) {
  const bool is_wanted = wanted.model.empty() || std::find(trial.models.begin(), trial.models.end(),
                                                           wanted.model) != trial.models.end();
  if (!is_wanted) {
    return {Status::warn, "it serves " + models_text(trial) + ", not '" + wanted.model + "'",
            "write the name it is served under (--served-model-name) as `model` in /etc/fettle/fettle.yaml"};
  }
  if (wanted.first_token && !trial.token_at && !trial.token_says.empty()) {
    return {Status::warn, "it is up, but gave no token: " + trial.token_says,
            "`journalctl` or `docker logs` of the engine tells what it said to the prompt"};
  }
  return {Status::pass, "it serves " + models_text(trial), {}};
}

Finding judge(const profile::Engine& wanted, const facts::Facts& facts) {
  if (!facts.engine_trials) return unknown(facts.engine_trials.error());
  const EngineTrial* const trial = facts::find(*facts.engine_trials, wanted.name);
  if (trial == nullptr || trial->url != wanted.url) {
    return {Status::unknown, "nobody asked it yet",
            "`systemctl restart fettle-engine` after a change of the configuration; `fettle apply` does it"};
  }
  if (trial->state == EngineState::serving) return serving(wanted, *trial);
  if (trial->served_at) {
    return {Status::fail, "it served in this boot and does not any more: " + trial->says,
            "its own log tells why: `journalctl` or `docker logs`; `fettle check` whether the GPUs are well"};
  }
  if (trial->state == EngineState::starting)
    return {Status::warn, "it is not serving yet: " + trial->says, {}};
  return {Status::warn, "it is not started: " + trial->says,
          "start it, or take it out of `engines:` in /etc/fettle/fettle.yaml"};
}

constexpr std::array all{
    Explanation{
        "engine.NAME",
        "what fettle-engine.service heard from the engine over loopback: /health, /v1/models and, where "
        "`first_token` is set, one prompt",
        "A node that is ready earns nothing until a model is served; when that was stands in `fettle "
        "ledger`. An engine that fell silent is the first that users notice.",
        "The engine's own log has the reason. `fettle check` tells whether GPUs, cache and driver are "
        "well, `fettle run-line MODEL` what it should be started with."},
};

}  // namespace

Findings findings(const facts::Facts& facts, const profile::Profile& profile,
                  std::chrono::system_clock::time_point now) {
  Findings found;
  for (const profile::Engine& wanted : profile.engines) {
    found.push_back({"engine." + wanted.name, "engine at " + wanted.url, judge(wanted, facts), now});
  }
  return found;
}

std::span<const Explanation> explanations() {
  return all;
}

}  // namespace fettle::engine
