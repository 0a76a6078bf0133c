// fettle check: looks at this node here and now, without the daemon, and judges it by the configured profile.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/verdict.h"
#include "health/checks.h"
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

}  // namespace

int run_check(Context& context, const std::vector<std::string>& arguments) {
  CLI::App app(
      "Looks at this node here and now, without the daemon, and judges it by the configured profile.\n"
      "Exit code: 0 all well, 1 warning, 2 failure, 3 something could not be looked at.",
      "fettle check");
  bool only_list = false;
  app.add_flag("--list", only_list, "Print the checks instead of running them");
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& err) {
    return app.exit(err, context.out, context.err) == 0 ? ok : usage;
  }
  if (only_list) return list(context);
  const profile::Loaded loaded = profile::load(context.system.files);
  if (!loaded.profile) return report_complaints(context, loaded.complaints);
  const facts::Facts facts = facts::gather(context.system.files);
  const Findings findings = health::run(facts, *loaded.profile, context.system.clock.now());
  if (context.format == Format::json) {
    context.out << pretty_json(to_json(findings));
  } else {
    context.out << health::page(findings);
  }
  return plugin_code(worst(findings));
}

}  // namespace fettle::cli
