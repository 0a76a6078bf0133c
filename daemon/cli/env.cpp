// fettle env: the environment that the profile asks for, in the dialect of who is to read it.
#include "env/dialect.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/env_diff.h"
#include "cli/env_model.h"
#include "cli/words.h"
#include "env/explain.h"
#include "env/plan.h"
#include "profile/load.h"

namespace fettle::cli {
namespace {

int report_complaints(Context& context, const profile::Loaded& loaded) {
  for (const profile::Complaint& complaint : loaded.complaints)
    context.err << profile::to_text(complaint) << '\n';
  return report(
      context,
      {Why::malformed, "cannot tell the environment: the configuration has mistakes",
       "`fettle profile check FILE` looks at one file; the man page fettle.yaml(5) tells the rules"},
      bad_config);
}

// Refused variables are told on the error stream, so that the other stream stays what a program can read.
int print(Context& context, const profile::Profile& profile, const std::string& format) {
  const env::Plan plan = env::plan(profile);
  const env::Dialect* const dialect =
      env::find_dialect(context.format == Format::json ? std::string("json") : format);
  if (dialect) {
    context.out << env::text_of(*dialect, plan.variables);
  } else {
    for (const env::Variable& variable : plan.variables) {
      context.out << variable.name << '=' << variable.value;
      if (variable.scope != env::Scope::all) context.out << "  (" << env::to_text(variable.scope) << " only)";
      context.out << '\n';
    }
  }
  for (const env::Refusal& refused : plan.refused)
    context.err << "fettle: " << to_text(refused.error) << '\n';
  return plan.refused.empty() ? ok : partial;
}

std::string sentence(const env::Place& place) {
  switch (place.delivery) {
    case env::Delivery::delivered:
      return "delivered";
    case env::Delivery::outdated:
      return "outdated: the file is not what the profile asks for";
    case env::Delivery::not_written:
      return "not written yet";
    case env::Delivery::not_for_it:
      return "not for it";
    case env::Delivery::unknown:
      return place.error.said;
  }
  return "unknown";
}

bool has_to_be_written(const env::Explanation& explanation) {
  return std::any_of(
      explanation.settings.begin(), explanation.settings.end(), [](const env::Setting& setting) {
        return std::any_of(setting.places.begin(), setting.places.end(), [](const env::Place& place) {
          return place.delivery == env::Delivery::outdated || place.delivery == env::Delivery::not_written;
        });
      });
}

void print_explanation(std::ostream& out, const env::Explanation& explanation) {
  for (const env::Setting& setting : explanation.settings) {
    out << setting.variable.name << '=' << setting.variable.value << '\n'
        << "  why     " << (setting.variable.why.empty() ? "the profile does not say" : setting.variable.why)
        << '\n'
        << "  source  "
        << (setting.variable.source.empty() ? "the profile does not say" : setting.variable.source) << '\n'
        << "  scope   " << env::to_text(setting.variable.scope) << '\n';
    for (const env::Place& place : setting.places) {
      out << "  " << place.path << "  (" << place.reaches << "): " << sentence(place) << '\n';
    }
  }
  if (explanation.refused)
    out << explanation.name << " is delivered nowhere: " << to_text(*explanation.refused) << '\n';
  if (explanation.left_alone) {
    out << explanation.name << " is left alone on purpose\n"
        << "  why     " << explanation.left_alone->why << '\n'
        << "  source  " << explanation.left_alone->source << '\n';
  }
  if (has_to_be_written(explanation)) out << "hint: `fettle provision --cache` as root writes the files\n";
}

boost::json::value json_of(const env::Explanation& explanation) {
  boost::json::array settings;
  for (const env::Setting& setting : explanation.settings) {
    boost::json::array places;
    for (const env::Place& place : setting.places) {
      boost::json::object entry{
          {"path", place.path}, {"reaches", place.reaches}, {"delivery", env::to_text(place.delivery)}};
      if (!place.error.said.empty()) entry["error"] = place.error.said;
      places.push_back(std::move(entry));
    }
    settings.push_back(boost::json::object{{"value", setting.variable.value},
                                           {"scope", env::to_text(setting.variable.scope)},
                                           {"why", setting.variable.why},
                                           {"source", setting.variable.source},
                                           {"places", std::move(places)}});
  }
  boost::json::object answer{{"api", 1}, {"name", explanation.name}, {"settings", std::move(settings)}};
  if (explanation.refused) answer["refused"] = explanation.refused->said;
  if (explanation.left_alone) {
    answer["left_alone"] =
        boost::json::object{{"why", explanation.left_alone->why}, {"source", explanation.left_alone->source}};
  }
  return answer;
}

int explain(Context& context, const profile::Profile& profile, const std::string& name) {
  const auto explanation = env::explain(profile, context.system.files, name);
  if (!explanation) return report(context, explanation.error());
  if (context.format == Format::json) {
    context.out << pretty_json(json_of(*explanation));
  } else {
    print_explanation(context.out, *explanation);
  }
  return ok;
}

}  // namespace

int run_env(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle env",
      "The variables that the profile asks for. `fettle provision --cache` delivers them; this only tells.");
  std::string format = "plain";
  std::string name;
  std::vector<std::string> formats{"plain"};
  for (const env::Dialect& dialect : env::dialects()) formats.emplace_back(dialect.name);
  words.option("--format", format, "For whom it is written; plain is for people").among(formats);
  ModelOptions options;
  words.option("--model", options.model, "OWNER/NAME: the variables that this model needs, with --engine");
  add_engine_options(words, options);
  Words& explaining = words.verb("explain", "value, reason, source, and where it is delivered");
  explaining.option("NAME", name, "the variable").required();
  Words& comparing = words.verb(
      "diff", "what a running process has against what it should (0 the same, 1 not, 2 harmful, 3 unknown)");
  DiffOptions compared;
  comparing.option("--pid", compared.pid, "a process of this node").within(1, 4194304);
  comparing.option("--container", compared.container, "name or id of a container of docker or podman");
  comparing.option("--model", compared.model.model, "OWNER/NAME: against what this model needs");
  add_engine_options(comparing, compared.model);
  if (const auto code = words.read(context, arguments)) return *code;

  if (comparing.is_given()) return print_env_diff(context, compared);
  if (!options.model.empty()) return print_model_env(context, options, format);
  const profile::Loaded loaded = profile::load(context.system.files, profile::Tables::without_versions);
  if (!loaded.profile) return report_complaints(context, loaded);
  return explaining.is_given() ? explain(context, *loaded.profile, name)
                               : print(context, *loaded.profile, format);
}

}  // namespace fettle::cli
