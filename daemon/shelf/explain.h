// What each finding about shelves reads, why it matters and what to do.
#pragma once

#include <span>

#include "base/explanation.h"

namespace fettle::shelf {

// The finding of each shelf has the id shelf.NAME here.
std::span<const Explanation> explanations();

}  // namespace fettle::shelf
