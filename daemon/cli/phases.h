// What a phase of provisioning came to: a page for people and an exit code.
#pragma once

#include <iosfwd>

#include "app/provision.h"
#include "storage/report.h"

namespace fettle::cli {

int code_of(app::Came came);

// The journal's reader sees what was found, each step that changed something, and what went wrong.
void print_phase(std::ostream& out, const storage::PhaseReport& phase);

}  // namespace fettle::cli
