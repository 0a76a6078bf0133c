// Choosing: which profile `profile: auto` means on this machine, and why.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "profile/load.h"
#include "system/files.h"

namespace fettle::profile {

inline constexpr std::string_view automatic = "auto";

// What is said of a profile that the configuration names.
inline constexpr std::string_view named_by_hand = "named in the configuration";

struct Choice {
  std::string name;  // empty = none can be chosen
  std::string why;   // "8 GPUs of 1002:74b5; vendor 'Microsoft Corporation'"; or why not
  std::string advice;
};

// Among those with a `for`: all that it says must be true of this machine, and the one that says most is
// taken. Two that say equally much are no choice. A machine that cannot be looked at has none either.
Choice choose(const std::vector<Found>& found, const system::Files& files);

}  // namespace fettle::profile
