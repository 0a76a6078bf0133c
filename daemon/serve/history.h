// History: how each shelf grew while the daemon watched it, thinned so that it never holds more than a plot
// can show.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "serve/snapshot.h"

namespace fettle::serve {

// Twice what is left after thinning; at one look a second, 38 models over a day end at a point in some
// minutes.
inline constexpr std::size_t samples_kept = 240;

// By the name of the shelf.
using Histories = std::map<std::string, std::vector<ProgressSample>, std::less<>>;

// Adds a sample for every shelf that is on its way or has just come to rest, and forgets shelves that are not
// wanted any more. While nothing grows, only the last sample's time moves on. A clock that was set back
// begins a history anew.
void follow(Histories& histories, const std::vector<Shelf>& shelves,
            std::chrono::system_clock::time_point now);

}  // namespace fettle::serve
