// What each finding about the cache and its drives reads, why it matters and what to do.
#pragma once

#include <span>

#include "base/explanation.h"

namespace fettle::storage {

std::span<const Explanation> explanations();

}  // namespace fettle::storage
