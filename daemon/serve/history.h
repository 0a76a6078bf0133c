// History: how each shelf grew while the daemon watched it, thinned so that it never holds more than a plot
// can show.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "serve/snapshot.h"
#include "store/growth.h"

namespace fettle::serve {

// Twice what is left after thinning; at one look a second, 38 models over a day end at a point in some
// minutes.
inline constexpr std::size_t samples_kept = 240;

// By the name of the shelf.
using Histories = std::map<std::string, std::vector<ProgressSample>, std::less<>>;

// Adds a sample for every shelf that is on its way or has just come to rest, and forgets shelves that are not
// wanted any more. While nothing grows, only the last sample's time moves on. A clock that was set back
// begins a history anew.
enum class Followed { nothing, more };
Followed follow(Histories& histories, const std::vector<Shelf>& shelves,
                std::chrono::system_clock::time_point now);

// A history whose last sample is older than this is not taken back.
inline constexpr std::chrono::hours history_kept_for{24 * 30};

// What of it is kept over a restart of the daemon, and taken back then: before what was seen since the start.
// Samples of a clock that has been set back since are left out.
std::vector<store::Growth> to_growth(const Histories& histories);
void restore(Histories& histories, const std::vector<store::Growth>& kept,
             std::chrono::system_clock::time_point now);

}  // namespace fettle::serve
