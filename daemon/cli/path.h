// Path: a file that somebody typed, as Files wants it.
#pragma once

#include <string>

#include "cli/command.h"

namespace fettle::cli {

// On the machine itself a relative path starts where the caller stands; below --root it starts at that root.
std::string absolute(const Context& context, const std::string& file);

}  // namespace fettle::cli
