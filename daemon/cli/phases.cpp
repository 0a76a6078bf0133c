#include "cli/phases.h"

#include <ostream>

#include "cli/command.h"

namespace fettle::cli {

int code_of(app::Came came) {
  switch (came) {
    case app::Came::well:
      return ok;
    case app::Came::refused:
      return failed;
    case app::Came::busy:
      return try_later;
    case app::Came::not_permitted:
      return not_permitted;
    case app::Came::misconfigured:
      return bad_config;
  }
  return failed;
}

void print_phase(std::ostream& out, const storage::PhaseReport& phase) {
  if (phase.status != Status::fail) out << phase.says << '\n';
  for (const storage::ReportedStep& step : phase.steps) {
    if (step.outcome != "already_so") out << "  " << step.outcome << ": " << step.says << '\n';
  }
  for (const std::string& warning : phase.warnings) out << "  warning: " << warning << '\n';
}

}  // namespace fettle::cli
