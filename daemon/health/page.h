// Findings as a page for people: one line each, its hint below it, a summary at the end.
#pragma once

#include <string>

#include "base/finding.h"

namespace fettle::health {

std::string page(const Findings& findings);

}  // namespace fettle::health
