#include "cli/storage_text.h"

#include <algorithm>
#include <ostream>
#include <string>

namespace fettle::cli {
namespace {

// Model, serial and labels come from drives: what is not printable ASCII must not reach a terminal.
std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

}  // namespace

void print_verdict(std::ostream& out, const storage::Plan& plan) {
  out << storage::to_text(plan.verdict) << ": " << printable(plan.refusal ? plan.refusal->said : plan.says)
      << '\n';
  for (const std::string& warning : plan.warnings) out << "  warning: " << printable(warning) << '\n';
  if (plan.refusal && !plan.refusal->hint.empty()) out << "  hint: " << plan.refusal->hint << '\n';
}

void print_drives(std::ostream& out, const storage::Plan& plan) {
  if (plan.drives.empty()) return;
  std::size_t serial = 6;
  std::size_t model = 5;
  for (const storage::PlannedDrive& planned : plan.drives) {
    serial = std::max(serial, planned.drive.serial.size());
    model = std::max(model, planned.drive.model.size());
  }
  out << '\n' << padded("SERIAL", serial) << "  " << padded("MODEL", model) << "  SIZE       ROLE\n";
  for (const storage::PlannedDrive& planned : plan.drives) {
    out << padded(printable(planned.drive.serial), serial) << "  "
        << padded(printable(planned.drive.model), model) << "  " << padded(to_text(planned.drive.size), 9)
        << "  " << storage::to_text(planned.role);
    if (!planned.why.empty()) out << ": " << printable(planned.why);
    out << '\n';
  }
}

void print_steps(std::ostream& out, const storage::Plan& plan) {
  if (plan.refusal) return;
  out << (plan.steps.empty() ? "\nnothing to do\n" : "\nwhat `fettle provision --boot` would do:\n");
  int number = 0;
  for (const storage::Step& step : plan.steps) {
    out << "  " << ++number << ". " << step.says << '\n';
    if (!step.destroys.empty()) {
      out << "     writes to";
      for (const std::string& drive : step.destroys) out << ' ' << printable(drive);
      out << '\n';
    }
    if (!step.command.argv.empty()) out << "     " << system::to_text(step.command) << '\n';
  }
}

}  // namespace fettle::cli
