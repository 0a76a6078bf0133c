// What the commands that judge share: their exit code, and what they say without a configuration.
#pragma once

#include "base/finding.h"
#include "cli/command.h"
#include "profile/complaint.h"

namespace fettle::cli {

// The exit code of Dialect::plain.
int plugin_code(Status status);

// Without a profile nothing is known about how the node should be: unknown, as a monitoring system
// understands it. Prints every complaint and gives the code for unknown.
int report_complaints(Context& context, const profile::Complaints& complaints);

}  // namespace fettle::cli
