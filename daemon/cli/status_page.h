// Status page: what /v1/status answered, laid out for people: the state first, then what makes it, 80 columns
// wide.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace fettle::cli {

std::string status_page(const boost::json::value& status, Colour colour);

// The exit code of a state, in the plugin order: 0 ready, 1 starting or degraded, 2 failed, 3 unknown.
int exit_code_of(std::string_view state);

// "45 s", "12 min", "3 h 20 min", "2 d 4 h": for people, never more than two units.
std::string time_text(std::chrono::seconds time);

}  // namespace fettle::cli
