#include "cli/dialect.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace fettle::cli {
namespace {

const DialectRow& row_of(Dialect dialect) {
  const auto* const at = std::find_if(dialects.begin(), dialects.end(),
                                      [&](const DialectRow& row) { return row.dialect == dialect; });
  return at == dialects.end() ? dialects.front() : *at;
}

std::string_view nagios_word(Status status) {
  switch (status) {
    case Status::pass:
    case Status::not_applicable:
      return "OK";
    case Status::warn:
      return "WARNING";
    case Status::fail:
      return "CRITICAL";
    case Status::unknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

std::vector<const NamedFinding*> worst_first(const Findings& findings) {
  std::vector<const NamedFinding*> sorted;
  for (const NamedFinding& named : findings) {
    if (named.finding.status != Status::pass && named.finding.status != Status::not_applicable)
      sorted.push_back(&named);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const NamedFinding* a, const NamedFinding* b) {
    return a->finding.status > b->finding.status;
  });
  return sorted;
}

// '|' starts the figures of a nagios plugin, and a line end the long text.
std::string line_of(const NamedFinding& named) {
  std::string text = named.id + ": " + named.finding.says;
  for (char& c : text) {
    if (c == '|' || c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

std::size_t count_of_status(const Findings& findings, Status status) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [&](const NamedFinding& named) { return named.finding.status == status; }));
}

std::string summary(const Findings& findings, const std::vector<const NamedFinding*>& bad) {
  if (findings.empty()) return "nothing was looked at";
  return bad.empty() ? count_of(findings.size(), "check") + ", all well" : line_of(*bad.front());
}

std::string nagios(const Findings& findings) {
  const auto bad = worst_first(findings);
  std::string text = "FETTLE " + std::string(nagios_word(worst(findings))) + " - " + summary(findings, bad);
  if (bad.size() > 1) text += " (and " + std::to_string(bad.size() - 1) + " more)";
  text += " |";
  for (const Status status : {Status::fail, Status::warn, Status::unknown, Status::pass})
    text += " " + std::string(to_text(status)) + "=" + std::to_string(count_of_status(findings, status));
  text += "\n";
  for (const NamedFinding* const named : bad)
    text += std::string(nagios_word(named->finding.status)) + " " + line_of(*named) + "\n";
  return text;
}

std::string nhc(const Findings& findings) {
  std::string text;
  for (const NamedFinding* const named : worst_first(findings)) {
    if (exit_code(Dialect::nhc, named->finding.status) != 0) text += "fettle " + line_of(*named) + "\n";
  }
  return text;
}

}  // namespace

int exit_code(Dialect dialect, Status status) {
  const DialectRow& row = row_of(dialect);
  switch (status) {
    case Status::pass:
      return row.pass;
    case Status::not_applicable:
      return row.not_applicable;
    case Status::warn:
      return row.warn;
    case Status::unknown:
      return row.unknown;
    case Status::fail:
      return row.fail;
  }
  return row.unknown;
}

std::string print(Dialect dialect, const Findings& findings) {
  switch (dialect) {
    case Dialect::nagios:
      return nagios(findings);
    case Dialect::npd:
      return summary(findings, worst_first(findings)) + "\n";
    case Dialect::nhc:
      return nhc(findings);
    case Dialect::plain:
    case Dialect::json:
      break;
  }
  return {};
}

}  // namespace fettle::cli
