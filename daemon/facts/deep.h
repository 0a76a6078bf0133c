// What the deep checks came to that somebody asked for: `fettle check --deep` leaves it in /run.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "facts/collected.h"

namespace fettle::facts {

struct DeepTrial {
  std::string name;
  Stamp stamp;
  Status status = Status::unknown;
  std::string says;  // in our words, with the program's last line where it has one
};

struct DeepTrials {
  std::vector<DeepTrial> checks;  // each with its own age
};

inline constexpr std::string_view deep_kind = "deep";

// Missing when none was asked for in this boot. Whatever their age: each check says for how long it counts.
Result<DeepTrials> read_deep_trials(const system::Files& files);
Result<DeepTrials> parse_deep_trials(std::string_view text);

boost::json::object to_json(const DeepTrials& trials);

// The one of that name, or null.
const DeepTrial* find(const DeepTrials& trials, std::string_view name);

}  // namespace fettle::facts
