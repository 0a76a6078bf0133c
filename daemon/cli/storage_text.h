// A storage plan on a page for people: which drives there are, what each is, and what would be done to which.
#pragma once

#include <iosfwd>

#include "cli/command.h"
#include "storage/plan.h"

namespace fettle::cli {

void print_drives(std::ostream& out, const storage::Plan& plan);
void print_steps(std::ostream& out, const storage::Plan& plan);
// The verdict with its sentence, then warnings, then the refusal's advice.
void print_verdict(std::ostream& out, const storage::Plan& plan);

}  // namespace fettle::cli
