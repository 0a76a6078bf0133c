// fettle check: looks at this node here and now, without the daemon, and judges it by the configured profile.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/dialect.h"
#include "cli/verdict.h"
#include "health/checks.h"
#include "health/explain.h"
#include "health/page.h"
#include "profile/load.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

int list(Context& context) {
  if (context.format == Format::json) {
    json::array checks;
    for (const health::Check& check : health::checks()) {
      checks.emplace_back(json::object{{"id", check.id}, {"title", check.title}});
    }
    context.out << pretty_json(json::object{{"checks", std::move(checks)}});
    return ok;
  }
  std::size_t widest = 0;
  for (const health::Check& check : health::checks()) widest = std::max(widest, check.id.size());
  for (const health::Check& check : health::checks()) {
    context.out << check.id << std::string(widest - check.id.size() + 2, ' ') << check.title << '\n';
  }
  return ok;
}

json::value to_json(const Findings& findings) {
  json::array checks;
  for (const NamedFinding& named : findings) {
    checks.emplace_back(json::object{{"id", named.id},
                                     {"title", named.title},
                                     {"status", to_text(named.finding.status)},
                                     {"says", named.finding.says},
                                     {"hint", named.finding.hint}});
  }
  return json::object{{"status", to_text(worst(findings))}, {"checks", std::move(checks)}};
}

// Every check whose id is the name, or begins with it and a dot: "gpu" is all of "gpu.count" and its like.
bool is_named(std::string_view id, const std::string& name) {
  return id == name || (id.starts_with(name) && id.substr(name.size()).starts_with('.'));
}

Error no_such_check(const std::string& name) {
  return {Why::missing, "there is no check '" + name + "'", "`fettle check --list` shows them"};
}

// The first name that no check has; nothing when all are known.
std::optional<Error> unknown_name(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto all = health::checks();
    if (std::none_of(all.begin(), all.end(), [&](const auto& check) { return is_named(check.id, name); }))
      return no_such_check(name);
  }
  return std::nullopt;
}

Findings chosen(Findings findings, const std::vector<std::string>& names) {
  if (names.empty()) return findings;
  Findings some;
  for (NamedFinding& named : findings) {
    if (std::any_of(names.begin(), names.end(), [&](const auto& name) { return is_named(named.id, name); }))
      some.push_back(std::move(named));
  }
  return some;
}

int explain(Context& context, const std::string& id) {
  const health::Explanation* const found = health::explain(id);
  if (found == nullptr) return report(context, no_such_check(id), usage);
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{
        {"id", found->id}, {"reads", found->reads}, {"why", found->why}, {"advice", found->advice}});
  } else {
    context.out << found->id << "\n\nreads    " << found->reads << "\nmatters  " << found->why
                << "\nto do    " << found->advice << '\n';
  }
  return ok;
}

void print(Context& context, Dialect dialect, const Findings& findings) {
  if (dialect == Dialect::json) {
    context.out << pretty_json(to_json(findings));
  } else if (dialect == Dialect::plain) {
    context.out << health::page(findings);
  } else {
    context.out << print(dialect, findings);
  }
}

// Without a profile nothing is known of how the node should be. Monitors want that on their first line.
int without_profile(Context& context, Dialect dialect, const profile::Complaints& complaints) {
  if (dialect == Dialect::plain || dialect == Dialect::json) return report_complaints(context, complaints);
  const Finding finding{Status::unknown, profile::to_text(complaints.front()), {}};
  context.out << print(dialect, {{"config", "configuration", finding, context.system.clock.now()}});
  return exit_code(dialect, Status::unknown);
}

struct Wish {
  bool only_list = false;
  std::string explain;
  std::string dialect;
  std::vector<std::string> names;
};

void parse(CLI::App& app, Wish& wish, const std::vector<std::string>& arguments) {
  std::vector<std::string> known;
  for (const DialectRow& row : dialects) known.emplace_back(row.name);
  app.add_flag("--list", wish.only_list, "Print the checks instead of running them");
  app.add_option("--explain", wish.explain, "What a check reads, why it matters, what to do")
      ->type_name("ID");
  app.add_option("--as", wish.dialect, "Text and exit codes for another monitor")
      ->check(CLI::IsMember(known));
  app.add_option("NAME", wish.names, "Only these checks, or all of a group: gpu.count, gpu");
  app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
}

Dialect dialect_of(const Wish& wish, Format format) {
  for (const DialectRow& row : dialects) {
    if (row.name == wish.dialect) return row.dialect;
  }
  return format == Format::json ? Dialect::json : Dialect::plain;
}

}  // namespace

int run_check(Context& context, const std::vector<std::string>& arguments) {
  CLI::App app(
      "Looks at this node here and now, without the daemon, and judges it by the configured profile.\n"
      "Exit code: 0 all well, 1 warning, 2 failure, 3 something could not be looked at; --as npd and\n"
      "--as nhc have their own.",
      "fettle check");
  Wish wish;
  try {
    parse(app, wish, arguments);
  } catch (const CLI::ParseError& err) {
    return app.exit(err, context.out, context.err) == 0 ? ok : usage;
  }
  if (wish.only_list) return list(context);
  if (!wish.explain.empty()) return explain(context, wish.explain);
  if (const auto error = unknown_name(wish.names)) return report(context, *error, usage);
  const Dialect dialect = dialect_of(wish, context.format);
  const profile::Loaded loaded = profile::load(context.system.files);
  if (!loaded.profile) return without_profile(context, dialect, loaded.complaints);
  const facts::Facts facts = facts::gather(context.system.files);
  const Findings findings =
      chosen(health::run(facts, *loaded.profile, context.system.clock.now()), wish.names);
  print(context, dialect, findings);
  return exit_code(dialect, worst(findings));
}

}  // namespace fettle::cli
