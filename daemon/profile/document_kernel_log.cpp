// The kind "kernel-log": what the kernel says when something is wrong, and what that means.
#include <array>

#include "base/pattern.h"
#include "profile/documents.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

constexpr std::array subjects{
    Word<LogSubject>{"gpu", LogSubject::gpu},   Word<LogSubject>{"ras", LogSubject::ras},
    Word<LogSubject>{"bus", LogSubject::bus},   Word<LogSubject>{"storage", LogSubject::storage},
    Word<LogSubject>{"host", LogSubject::host},
};
constexpr std::array weights{
    Word<LogWeight>{"note", LogWeight::note},
    Word<LogWeight>{"warning", LogWeight::warning},
    Word<LogWeight>{"error", LogWeight::error},
};

constexpr std::array rule_fields{
    field<&LogRule::name, text<name_rule>>("name", Need::required),
    field<&LogRule::about, choice<subjects, LogSubject>>("about", Need::required),
    field<&LogRule::severity, choice<weights, LogWeight>>("severity", Need::required),
    field<&LogRule::pattern, text<sentence_rule>>("pattern", Need::required),
    field<&LogRule::hours, number<1, 8760>>("hours"),
    field<&LogRule::means, text<sentence_rule>>("means", Need::required),
    field<&LogRule::advice, text<sentence_rule>>("advice", Need::required),
    field<&LogRule::example, text<sentence_rule>>("example", Need::required),
    field<&LogRule::sources, some_of<text<sentence_rule>, std::string>>("sources", Need::required),
};

// The example shows what a pattern is for, and that it does it.
void must_match_its_example(Reading& reading, const Node& node, const LogRule& rule) {
  const Node* const at = node.find("pattern");
  if (at == nullptr || rule.pattern.empty()) return;  // there is a complaint about it
  const auto pattern = Pattern::compile(rule.pattern);
  if (!pattern) {
    reading.complain(at->place, pattern.error().said, "a POSIX extended regular expression (regex(7))");
  } else if (!rule.example.empty() && !pattern->matches(rule.example)) {
    reading.complain(at->place, "the pattern of '" + shown(rule.name) + "' does not match its own example",
                     "a line of the kernel that it is meant for, without the time in front");
  }
}

void rule(Reading& reading, const Node& node, const std::string& what, LogRule& out) {
  if (read_fields(reading, node, what, out, rule_fields) && !reading.is_checked())
    must_match_its_example(reading, node, out);
}

constexpr std::array table_fields{
    header<KernelLogTable>("schema"),
    header<KernelLogTable>("kind"),
    field<&KernelLogTable::sources, some_of<read_source, CompatSource>>("sources", Need::required),
    field<&KernelLogTable::rules, some_of<rule, LogRule>>("rules", Need::required),
};

// As many lines of a result are kept for each rule; the product has to stay small.
constexpr std::size_t most_rules = 200;

}  // namespace

void read_kernel_log(Reading& reading, const Node& root, KernelLogTable& out) {
  if (!read_fields(reading, root, "a table of kernel log rules", out, table_fields)) return;
  entries_must_be_sound(reading, root, "sources", "key", "the source", out.sources);
  entries_must_be_sound(reading, root, "rules", "name", "the rule", out.sources);
  if (out.rules.size() > most_rules)
    reading.complain(root.find("rules")->place,
                     "there are more than " + std::to_string(most_rules) + " rules",
                     "fewer patterns that match more");
}

}  // namespace fettle::profile
