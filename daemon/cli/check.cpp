// fettle check: looks at this node here and now, without the daemon, and judges it by the configured profile.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <optional>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/dialect.h"
#include "cli/verdict.h"
#include "cli/words.h"
#include "collect/deep.h"
#include "engine/findings.h"
#include "env/findings.h"
#include "health/checks.h"
#include "health/deep.h"
#include "health/explain.h"
#include "health/page.h"
#include "host/standing.h"
#include "profile/load.h"
#include "serve/acknowledge.h"
#include "shelf/explain.h"
#include "storage/explain.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

struct Listed {
  std::string id;
  std::string title;
};

// The checks of the program, then those of the settings and of the deep checks that the profile names.
std::vector<Listed> all_checks(const profile::Profile& profile) {
  std::vector<Listed> listed;
  for (const health::Check& check : health::checks())
    listed.push_back({std::string(check.id), std::string(check.title)});
  if (profile.host) {
    for (const profile::Setting& setting : profile.host->settings)
      listed.push_back({host::id_of(setting), host::wanted_text(setting)});
  }
  for (const NamedFinding& deep : health::deep_findings({}, profile, {}))
    listed.push_back({deep.id, deep.title});
  return listed;
}

Findings run_all(const facts::Facts& facts, const profile::Profile& profile,
                 std::chrono::system_clock::time_point now) {
  Findings findings = health::run(facts, profile, now);
  for (NamedFinding& finding : host::findings(facts, profile, now)) findings.push_back(std::move(finding));
  for (NamedFinding& finding : health::deep_findings(facts, profile, now))
    findings.push_back(std::move(finding));
  return findings;
}

int list(Context& context, const std::vector<Listed>& listed) {
  if (context.format == Format::json) {
    json::array checks;
    for (const Listed& check : listed)
      checks.emplace_back(json::object{{"id", check.id}, {"title", check.title}});
    context.out << pretty_json(json::object{{"checks", std::move(checks)}});
    return ok;
  }
  std::size_t widest = 0;
  for (const Listed& check : listed) widest = std::max(widest, check.id.size());
  for (const Listed& check : listed)
    context.out << check.id << std::string(widest - check.id.size() + 2, ' ') << check.title << '\n';
  return ok;
}

bool is_fine(const NamedFinding& named) {
  return named.finding.status == Status::pass || named.finding.status == Status::not_applicable;
}

// What the daemon keeps, when there is one: a check needs none, and waits for none.
serve::Acknowledgements acknowledgements(Context& context, const Findings& findings) {
  if (std::all_of(findings.begin(), findings.end(), &is_fine)) return {};
  Client client(context.system.files, std::chrono::seconds(1));
  const auto answer = client.json("/v1/acknowledged");
  if (!answer) return {};
  return serve::parse_acknowledgements(json_list(*answer, "acknowledgements"));
}

// The status stays: a known failure is a failure.
Findings marked(Findings findings, const serve::Acknowledgements& all,
                std::chrono::system_clock::time_point now) {
  for (NamedFinding& named : findings) {
    if (const auto* const known = serve::acknowledgement_of(all, named, now))
      named.finding.says += "; " + serve::to_text(*known);
  }
  return findings;
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
std::optional<Error> unknown_name(const std::vector<std::string>& names, const std::vector<Listed>& all) {
  for (const std::string& name : names) {
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

template <class Text>
void print_explanation(Context& context, const Text& told) {
  if (context.format == Format::json) {
    context.out << pretty_json(
        json::object{{"id", told.id}, {"reads", told.reads}, {"why", told.why}, {"advice", told.advice}});
  } else {
    context.out << told.id << "\n\nreads    " << told.reads << "\nmatters  " << told.why << "\nto do    "
                << told.advice << '\n';
  }
}

// Of the program itself; each shelf has the one text of shelf.NAME, each engine that of engine.NAME.
const Explanation* built_in(std::string_view id) {
  for (const auto explanations : {health::explanations(), storage::explanations(), shelf::explanations(),
                                  engine::explanations(), env::explanations()}) {
    if (const Explanation* const found = find_explanation(explanations, id)) return found;
  }
  if (id.starts_with("shelf.")) return find_explanation(shelf::explanations(), "shelf.NAME");
  if (id.starts_with("engine.")) return find_explanation(engine::explanations(), "engine.NAME");
  return nullptr;
}

int explain(Context& context, const std::string& id, const profile::Loaded& loaded) {
  if (const Explanation* const found = built_in(id)) {
    print_explanation(context, *found);
    return ok;
  }
  if (loaded.profile) {
    if (const auto found = host::explain(id, *loaded.profile)) {
      print_explanation(context, *found);
      return ok;
    }
    if (const auto found = health::explain_deep(id, *loaded.profile)) {
      print_explanation(context, *found);
      return ok;
    }
  }
  return report(context, no_such_check(id), usage);
}

// The names that people say for an id.
std::vector<std::string> ids_of(std::vector<std::string> names) {
  for (std::string& name : names) {
    if (name == "next-boot") name = "driver.next_boot";
  }
  return names;
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
  bool is_deep = false;
  std::string explain;
  std::string dialect;
  std::vector<std::string> names;
};

void describe(Words& words, Wish& wish) {
  std::vector<std::string> known;
  for (const DialectRow& row : dialects) known.emplace_back(row.name);
  words.flag("--list", wish.only_list, "Print the checks instead of running them");
  words.option("--explain", wish.explain, "What a check reads, why it matters, what to do").type_name("ID");
  words.option("--as", wish.dialect, "Text and exit codes for another monitor").among(known);
  words.flag("--deep", wish.is_deep,
             "Run the deep checks of the profile, or those named: they take minutes, and the GPUs");
  words.option("NAME", wish.names, "Only these checks, or all of a group: gpu.count, gpu; next-boot");
}

Dialect dialect_of(const Wish& wish, Format format) {
  for (const DialectRow& row : dialects) {
    if (row.name == wish.dialect) return row.dialect;
  }
  return format == Format::json ? Dialect::json : Dialect::plain;
}

// The deep checks that the names are of; fewer than names when one is of none.
std::vector<profile::DeepCheck> deep_checks(const profile::Profile& profile,
                                            const std::vector<std::string>& names) {
  if (names.empty()) return profile.deep;
  std::vector<profile::DeepCheck> checks;
  for (const profile::DeepCheck& check : profile.deep) {
    if (std::any_of(names.begin(), names.end(), [&](const std::string& name) {
          return name == check.name || name == "deep." + check.name;
        })) {
      checks.push_back(check);
    }
  }
  return checks;
}

Error no_such_deep_check(const profile::Profile& profile) {
  if (profile.deep.empty()) {
    return {Why::missing, "the profile '" + profile.name + "' has no deep checks",
            "`deep:` of a profile names them, see fettle.yaml(5)"};
  }
  std::string known;
  for (const profile::DeepCheck& check : profile.deep)
    known.append(known.empty() ? "" : ", ").append(check.name);
  return {Why::missing, "not all of these are deep checks of the profile '" + profile.name + "'",
          "it has: " + known};
}

// One after the other; each is told before it runs, since that takes long.
int run_deep(Context& context, const Wish& wish, const profile::Profile& profile) {
  const auto checks = deep_checks(profile, wish.names);
  if (checks.empty() || checks.size() < wish.names.size())
    return report(context, no_such_deep_check(profile), usage);
  const auto done = collect::run_deep(context.system, checks, [&](const profile::DeepCheck& check) {
    context.err << "running " << check.name << ", for " << check.deadline_seconds << " s at most\n"
                << std::flush;
  });
  if (!done)
    return report(context, done.error(), done.error().why == Why::denied ? not_permitted : try_later);
  Findings findings;
  for (std::size_t at = 0; at < checks.size(); ++at)
    findings.push_back(health::deep_finding(checks[at], (*done)[at]));
  const Dialect dialect = dialect_of(wish, context.format);
  print(context, dialect, findings);
  return exit_code(dialect, worst(findings));
}

}  // namespace

int run_check(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle check",
      "Looks at this node here and now, without the daemon, and judges it by the configured profile.\n"
      "Exit code: 0 all well, 1 warning, 2 failure, 3 something could not be looked at; --as npd and\n"
      "--as nhc have their own.");
  Wish wish;
  describe(words, wish);
  if (const auto code = words.read(context, arguments)) return *code;
  wish.names = ids_of(std::move(wish.names));
  const profile::Loaded loaded = profile::load(context.system.files);
  // Without a profile its own checks are not known; those of the program are.
  const auto listed = all_checks(loaded.profile ? *loaded.profile : profile::Profile{});
  if (wish.only_list) return list(context, listed);
  if (!wish.explain.empty()) return explain(context, ids_of({wish.explain}).front(), loaded);
  const Dialect dialect = dialect_of(wish, context.format);
  if (!loaded.profile) return without_profile(context, dialect, loaded.complaints);
  if (wish.is_deep) return run_deep(context, wish, *loaded.profile);
  if (const auto error = unknown_name(wish.names, listed)) return report(context, *error, usage);
  const facts::Facts facts = facts::gather(context.system.files, *loaded.profile);
  const Findings findings = chosen(run_all(facts, *loaded.profile, context.system.clock.now()), wish.names);
  print(context, dialect, marked(findings, acknowledgements(context, findings), context.system.clock.now()));
  return exit_code(dialect, worst(findings));
}

}  // namespace fettle::cli
