// fettle check: looks at this node here and now, without the daemon, and judges it by the configured profile.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "health/checks.h"
#include "health/page.h"
#include "profile/load.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

// The plugin order of monitoring systems.
int plugin_code(Status status) {
  switch (status) {
    case Status::pass:
    case Status::not_applicable:
      return 0;
    case Status::warn:
      return 1;
    case Status::fail:
      return 2;
    case Status::unknown:
      return 3;
  }
  return 3;
}

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

// Without a profile nothing is known about how the node should be: unknown, as a monitoring system
// understands it.
int complain(Context& context, const profile::Complaints& complaints) {
  if (context.format == Format::json) {
    json::array all;
    for (const profile::Complaint& complaint : complaints) all.emplace_back(profile::to_text(complaint));
    context.out << pretty_json(json::object{{"status", "unknown"}, {"complaints", std::move(all)}});
  } else {
    for (const profile::Complaint& complaint : complaints) context.err << profile::to_text(complaint) << '\n';
    context.err << "fettle: cannot check the node: " << count_of(complaints.size(), "mistake")
                << " in the configuration\n  hint: `fettle profile show` tells when it is right\n";
  }
  return plugin_code(Status::unknown);
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
  if (!loaded.profile) return complain(context, loaded.complaints);
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
