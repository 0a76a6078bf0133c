// What `fettle engine watch` heard from the inference engines of this node, and left in /run for those who
// may not ask: whether each serves, what, and since when in this boot.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "facts/collected.h"

namespace fettle::facts {

enum class EngineState { silent, starting, serving };
std::string_view to_text(EngineState state);

struct EngineTrial {
  std::string name;
  std::string url;
  EngineState state = EngineState::silent;
  std::string says;                 // its answer, or why there is none
  std::vector<std::string> models;  // that it names; empty while it is not serving
  // The first time in this boot.
  std::optional<std::chrono::system_clock::time_point> served_at;
  std::optional<std::chrono::system_clock::time_point> token_at;  // the answer to a prompt had come
  std::string token_says;                                         // why a prompt was not answered
};

struct EngineTrials {
  Stamp stamp;
  std::vector<EngineTrial> engines;
};

// Too old ones are timed_out; `uptime` is the node's now.
Result<EngineTrials> read_engine_trials(const system::Files& files,
                                        const Result<std::chrono::seconds>& uptime);

// Whatever its age, for the watch itself.
Result<EngineTrials> parse_engine_trials(std::string_view text);

boost::json::object to_json(const EngineTrials& trials);

// The engine of that name, or null.
const EngineTrial* find(const EngineTrials& trials, std::string_view name);

}  // namespace fettle::facts
