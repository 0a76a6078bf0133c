// Tell: one change that the daemon is asked for on its control socket.
#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "cli/command.h"

namespace fettle::cli {

// Posts the body, prints what the daemon says to it, and gives the exit code: 2 when it refuses, 77 for
// others than root and group fettle, 69 when it does not answer.
int tell_daemon(Context& context, std::string_view target, const boost::json::value& body);

}  // namespace fettle::cli
