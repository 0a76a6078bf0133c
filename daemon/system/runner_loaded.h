// RunnerLoaded: runs one Python program many times and loads it once. docs/decisions/0012 tells why.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "system/runner.h"

namespace fettle::system {

// What Runner::keeping_loaded promises; `plain` runs what this one cannot, and outlives it.
std::unique_ptr<Runner> make_loaded_runner(Runner& plain, std::vector<std::string> modules);

// The interpreter of a script and its option, from its first line; empty when that is not Python's.
std::vector<std::string> python_of(std::string_view first_line);

}  // namespace fettle::system
