// The key `deep` of a profile: programs that `fettle check --deep` runs.
#include <array>

#include "base/pattern.h"
#include "profile/documents.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

constexpr std::array exit_codes{
    Word<ExitCodes>{"plain", ExitCodes::plain},
    Word<ExitCodes>{"plugin", ExitCodes::plugin},
};

// The first word is the program.
void command(Reading& reading, const Node& node, const std::string& what, std::vector<std::string>& out) {
  some_of<text<sentence_rule>, std::string>(reading, node, what, out);
  if (out.empty() || out.front().empty() || path_rule.fits(out.front())) return;
  reading.complain(node.items.front().place, what + " cannot begin with '" + shown(out.front()) + "'",
                   std::string(path_rule.allowed));
}

constexpr std::array deep_fields{
    field<&DeepCheck::name, text<name_rule>>("name", Need::required),
    field<&DeepCheck::command, command>("command", Need::required),
    field<&DeepCheck::codes, choice<exit_codes, ExitCodes>>("codes"),
    field<&DeepCheck::deadline_seconds, number<1, 86400>>("deadline_seconds"),
    field<&DeepCheck::hours, number<1, 8760>>("hours"),
    field<&DeepCheck::figure, text<sentence_rule>>("figure"),
    field<&DeepCheck::at_least, text<amount_rule>>("at_least"),
    field<&DeepCheck::why, text<sentence_rule>>("why", Need::required),
    field<&DeepCheck::advice, text<sentence_rule>>("advice"),
    field<&DeepCheck::source, text<sentence_rule>>("source"),
};

void deep_check(Reading& reading, const Node& node, const std::string& what, DeepCheck& out) {
  if (!read_fields(reading, node, what, out, deep_fields)) return;
  if (out.figure.empty() != out.at_least.empty()) {
    reading.complain(node.place, "'figure' and 'at_least' go together",
                     "a pattern that stands before the number, and the least that it may be");
  }
  const Node* const figure = node.find("figure");
  if (figure == nullptr || out.figure.empty()) return;
  if (const auto pattern = Pattern::compile(out.figure); !pattern)
    reading.complain(figure->place, pattern.error().said, "a POSIX extended regular expression (regex(7))");
}

}  // namespace

void read_deep(Reading& reading, const Node& node, const std::string& what, std::vector<DeepCheck>& out) {
  list_of<deep_check, DeepCheck>(reading, node, what, out);
  Once once("the deep check");
  if (node.kind != Node::Kind::list) return;
  for (std::size_t at = 0; at < out.size(); ++at) once.see(reading, node.items[at].place, out[at].name);
}

}  // namespace fettle::profile
