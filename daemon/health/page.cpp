#include "health/page.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace fettle::health {
namespace {

constexpr std::size_t status_width = 9;  // "unknown" and two blanks

std::string_view word(Status status) {
  return status == Status::not_applicable ? "n/a" : to_text(status);
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  out.resize(std::max(width, text.size()), ' ');
  return out;
}

}  // namespace

std::string page(const Findings& findings) {
  std::size_t id_width = 0;
  for (const NamedFinding& named : findings) id_width = std::max(id_width, named.id.size() + 2);
  std::string text;
  std::array<std::size_t, 5> counts{};
  for (const NamedFinding& named : findings) {
    const Finding& finding = named.finding;
    ++counts.at(static_cast<std::size_t>(finding.status));
    text += padded(word(finding.status), status_width) + padded(named.id, id_width) + finding.says + "\n";
    if (!finding.hint.empty())
      text += std::string(status_width + id_width, ' ') + "hint: " + finding.hint + "\n";
  }
  std::string summary;
  for (const Status status :
       {Status::fail, Status::unknown, Status::warn, Status::pass, Status::not_applicable}) {
    const std::size_t count = counts.at(static_cast<std::size_t>(status));
    if (count > 0)
      summary += (summary.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(word(status));
  }
  return text + count_of(findings.size(), "check") + (summary.empty() ? "" : ": " + summary) + "\n";
}

}  // namespace fettle::health
