// Status page: what /v1/status answered, laid out for people: the state first, then what makes it, 80 columns
// wide or as the terminal is, when that is narrower.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/command.h"

namespace fettle::cli {

inline constexpr std::size_t status_width = 80;

std::string status_page(const boost::json::value& status, Colour colour, std::size_t columns = status_width);

// In place of it, while somebody waits for a daemon that does not answer.
std::string no_status_page(const Error& error, Colour colour, std::size_t columns = status_width);

// The exit code of a state, in the plugin order: 0 ready, 1 starting or degraded, 2 failed, 3 unknown.
int exit_code_of(std::string_view state);

// "45 s", "12 min", "3 h 20 min", "2 d 4 h": for people, never more than two units.
std::string time_text(std::chrono::seconds time);

}  // namespace fettle::cli
