// What each check of health reads, why it matters and what to do; those of settings are in host/standing.h.
#pragma once

#include <span>

#include "base/explanation.h"

namespace fettle::health {

std::span<const Explanation> explanations();

}  // namespace fettle::health
