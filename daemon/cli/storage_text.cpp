#include "cli/storage_text.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <vector>

#include "base/text.h"

namespace fettle::cli {
namespace {

constexpr std::size_t narrowest = 40;
constexpr std::size_t least_for_words = 30;  // with less room than that each drive gets lines of its own

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

// Prints words between column `left` and `width`; the cursor is at `left`. A longer word stays whole.
void print_wrapped(std::ostream& out, const std::string& text, std::size_t left, std::size_t width) {
  std::size_t used = left;
  for (const std::string_view word : split(text, ' ')) {
    if (used > left && used + 1 + word.size() > width) {
      out << '\n' << std::string(left, ' ');
      used = left;
    } else if (used > left) {
      out << ' ';
      ++used;
    }
    out << word;
    used += word.size();
  }
  out << '\n';
}

// Why the drive is taken or not, for somebody who has never seen the words of Role.
std::string explained(const storage::PlannedDrive& planned) {
  using storage::Role;
  const std::string why = printable(planned.why);
  switch (planned.role) {
    case Role::ours:
      return "part of the cache of this machine";
    case Role::kin:
      return "part of a fettle cache that is not on record here";
    case Role::blank:
      return "may be taken: nothing is on it and nobody uses it";
    case Role::foreign:
      return "left alone, it is not ours: " + why;
    case Role::unreadable:
      return "left alone, it could not be looked at: " + why;
    case Role::busy:
      return "left alone, somebody uses it: " + why;
    case Role::missing:
      return "part of the cache, but not in this machine now";
    case Role::system:
    case Role::unwanted:
      return "never taken: " + why;
  }
  return why;
}

constexpr std::size_t columns = 6;
using Row = std::array<std::string, columns>;

Row row_of(const storage::PlannedDrive& planned) {
  const facts::Drive& drive = planned.drive;
  return {printable(drive.serial.empty() ? "-" : drive.serial),
          printable(drive.model.empty() ? "-" : drive.model),
          to_text(drive.size),
          drive.numa_node < 0 ? "-" : std::to_string(drive.numa_node),
          drive.name.empty() ? "-" : drive.name,
          std::string(storage::to_text(planned.role))};
}

}  // namespace

std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

void print_verdict(std::ostream& out, const storage::Plan& plan) {
  out << storage::to_text(plan.verdict) << ": " << printable(plan.refusal ? plan.refusal->said : plan.says)
      << '\n';
  for (const std::string& warning : plan.warnings) out << "  warning: " << printable(warning) << '\n';
  if (plan.refusal && !plan.refusal->hint.empty()) out << "  hint: " << plan.refusal->hint << '\n';
}

void print_drives(std::ostream& out, const storage::Plan& plan, std::size_t width) {
  if (plan.drives.empty()) return;
  width = std::max(width, narrowest);
  std::vector<Row> rows{{"SERIAL", "MODEL", "SIZE", "NUMA", "NAME", "ROLE"}};
  std::array<std::size_t, columns> widths{};
  for (const storage::PlannedDrive& planned : plan.drives) rows.push_back(row_of(planned));
  std::size_t left = 0;
  for (std::size_t i = 0; i < columns; ++i) {
    for (const Row& row : rows) widths[i] = std::max(widths[i], row[i].size());
    left += widths[i] + 2;
  }
  const bool is_wide = left + least_for_words <= width;
  out << '\n';
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const Row& row = rows[at];
    const std::string words = at == 0 ? "WHY" : explained(plan.drives[at - 1]);
    if (is_wide) {
      for (std::size_t i = 0; i < columns; ++i) out << padded(row[i], widths[i]) << "  ";
      print_wrapped(out, words, left, width);
    } else if (at != 0) {
      out << row[0] << ' ' << row[5] << '\n' << std::string(4, ' ');
      const std::string numa = row[3] == "-" ? "" : ", NUMA node " + row[3];
      print_wrapped(out, row[1] + ", " + row[2] + numa + (row[4] == "-" ? "" : ", now " + row[4]), 4, width);
      out << std::string(4, ' ');
      print_wrapped(out, words, 4, width);
    }
  }
}

void print_rivals(std::ostream& out, const storage::Plan& plan, std::size_t width) {
  if (!plan.rivals || (plan.rivals->found.empty() && plan.rivals->blind.empty())) return;
  width = std::max(width, narrowest);
  out << "\nwhat else uses these drives or the mount point:\n";
  for (const storage::Rival& rival : plan.rivals->found) {
    out << "  ";
    print_wrapped(out, printable(storage::to_text(rival)), 2, width);
    out << std::string(4, ' ');
    print_wrapped(out, "to do: " + rival.advice, 4, width);
  }
  for (const Error& error : plan.rivals->blind) {
    out << "  ";
    print_wrapped(out, "not known: " + printable(error.said), 2, width);
  }
}

void print_steps(std::ostream& out, const storage::Plan& plan, std::string_view command) {
  if (plan.refusal) return;
  if (plan.steps.empty()) {
    out << "\nnothing to do\n";
  } else {
    out << "\nwhat `" << command << "` would do:\n";
  }
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
