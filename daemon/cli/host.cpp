// fettle host show|apply|revert: the settings of the host, knob by knob: wanted, found, who set it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "host/apply.h"
#include "host/plan.h"
#include "host/standing.h"
#include "profile/load.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

struct Looked {
  profile::Profile profile;
  facts::Facts facts;
};

int complain(Context& context, const profile::Complaints& complaints) {
  for (const profile::Complaint& each : complaints) context.err << profile::to_text(each) << '\n';
  return bad_config;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string found_or_why(const host::SettingJudgement& looked) {
  switch (looked.standing) {
    case host::Standing::absent:
      return "this machine does not have it";
    case host::Standing::elsewhere:
      return "means nothing on this kind of machine";
    case host::Standing::unknown:
      return looked.error.said;
    default:
      break;
  }
  std::string text = looked.found;
  if (!looked.set_by.empty()) text += ", set by " + looked.set_by;
  return text;
}

int code_of(const std::vector<host::SettingJudgement>& all) {
  const auto any = [&](host::Standing standing) {
    return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.standing == standing; });
  };
  if (any(host::Standing::unknown)) return 3;
  return any(host::Standing::wrong) || any(host::Standing::pending) ? partial : ok;
}

int show(Context& context, const Looked& node) {
  std::vector<profile::Setting> settings;
  if (node.profile.host) settings = node.profile.host->settings;
  std::vector<host::SettingJudgement> all;
  std::size_t widest = 0;
  for (const profile::Setting& setting : settings) {
    all.push_back(host::look_at(setting, node.facts));
    widest = std::max(widest, setting.name.size());
  }
  json::array answer;
  for (std::size_t at = 0; at < settings.size(); ++at) {
    const host::SettingJudgement& looked = all[at];
    const profile::Setting& setting = settings[at];
    if (context.format == Format::json) {
      answer.emplace_back(json::object{{"name", setting.name},
                                       {"wanted", host::wanted_text(setting)},
                                       {"standing", host::to_text(looked.standing)},
                                       {"found", looked.found},
                                       {"set_by", looked.set_by},
                                       {"said", looked.error.said},
                                       {"why", setting.why},
                                       {"source", setting.source}});
      continue;
    }
    context.out << padded(std::string(host::to_text(looked.standing)), 11) << padded(setting.name, widest + 2)
                << found_or_why(looked) << '\n';
    if (looked.standing == host::Standing::wrong || looked.standing == host::Standing::pending)
      context.out << std::string(widest + 13, ' ') << "wanted: " << host::wanted_text(setting) << '\n';
  }
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{{"settings", std::move(answer)}});
  } else if (settings.empty()) {
    context.out << "the profile names no settings of the host\n";
  }
  return code_of(all);
}

void print_plan(std::ostream& out, const host::Plan& plan) {
  for (const host::FileStep& step : plan.files) {
    if (step.content.empty()) {
      out << "remove " << step.path << '\n';
      continue;
    }
    out << "write  " << step.path << '\n';
    for (const std::string_view line : lines(step.content)) out << "       | " << line << '\n';
  }
  for (const host::ValueStep& step : plan.values)
    out << "set    " << step.path << " to " << step.value << '\n';
}

void print_advice(std::ostream& out, const host::Plan& plan) {
  for (const host::Advice& advice : plan.advice)
    out << "advice " << advice.setting << ": " << advice.says << '\n';
}

json::object to_json(const host::Plan& plan) {
  json::array files;
  for (const host::FileStep& step : plan.files)
    files.emplace_back(json::object{{"path", step.path}, {"content", step.content}});
  json::array values;
  for (const host::ValueStep& step : plan.values)
    values.emplace_back(json::object{{"path", step.path}, {"value", step.value}});
  json::array advice;
  for (const host::Advice& each : plan.advice)
    advice.emplace_back(json::object{{"setting", each.setting}, {"says", each.says}});
  return {{"files", std::move(files)}, {"values", std::move(values)}, {"advice", std::move(advice)}};
}

// Acting changes the node for everybody on it, so it has to be said.
enum class Act { dry_run, for_real };

int act(Context& context, const host::Plan& plan, const char* verb) {
  const auto all = host::apply(plan, context.system.files);
  bool any_failed = false;
  json::array answer;
  for (const host::Applied& one : all) {
    any_failed = any_failed || one.outcome == Outcome::failed || one.outcome == Outcome::refused;
    if (context.format == Format::json) {
      answer.emplace_back(json::object{
          {"path", one.path}, {"outcome", fettle::to_text(one.outcome)}, {"said", one.error.said}});
    } else if (one.error.said.empty()) {
      context.out << padded(fettle::to_text(one.outcome), 12) << one.path << '\n';
    } else {
      context.err << "fettle: " << fettle::to_text(one.error) << '\n';
    }
  }
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{{"done", std::move(answer)}, {"plan", to_json(plan)}});
  } else {
    print_advice(context.out, plan);
    if (all.empty()) context.out << "nothing to " << verb << '\n';
  }
  return any_failed ? failed : ok;
}

int come(Context& context, const host::Plan& plan, Act how, const char* verb) {
  if (how == Act::for_real) return act(context, plan, verb);
  if (context.format == Format::json) {
    context.out << pretty_json(to_json(plan));
  } else {
    print_plan(context.out, plan);
    print_advice(context.out, plan);
    for (const Error& error : plan.refused) context.out << "leave  " << fettle::to_text(error) << '\n';
    if (plan.changes_nothing()) {
      context.out << "nothing to " << verb << '\n';
    } else {
      context.out << "\nthis was a dry run; `fettle host " << verb << " --yes` does it\n";
    }
  }
  return plan.changes_nothing() ? ok : partial;
}

}  // namespace

int run_host(Context& context, const std::vector<std::string>& arguments) {
  CLI::App app(
      "Settings of the host that the profile names: sysctl, sysfs, module parameters, limits, and the "
      "kernel\n"
      "command line. Only files of its own are written (90-fettle.conf); the command line never is.\n"
      "Exit code of show: 0 all good, 1 some are not, 3 some could not be looked at. A dry run: 1 when "
      "there\n"
      "is something to do.",
      "fettle host");
  app.require_subcommand(1);
  bool yes = false;
  const CLI::App* const show_app = app.add_subcommand("show", "Each setting: wanted, found, who set it");
  CLI::App* const apply_app = app.add_subcommand("apply", "Write what is wrong; a dry run without --yes");
  CLI::App* const revert_app =
      app.add_subcommand("revert", "Remove our files, set values back; a dry run without --yes");
  apply_app->add_flag("--yes", yes, "Do it");
  revert_app->add_flag("--yes", yes, "Do it");
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& err) {
    return app.exit(err, context.out, context.err) == 0 ? ok : usage;
  }
  const Act how = yes ? Act::for_real : Act::dry_run;
  const auto ours = host::look(context.system.files);
  if (!ours) return report(context, ours.error());
  // Going back needs no profile: what is ours says what it did.
  if (revert_app->parsed()) return come(context, host::plan_revert(*ours), how, "revert");
  profile::Loaded loaded = profile::load(context.system.files, profile::Tables::without_versions);
  if (!loaded.profile) return complain(context, loaded.complaints);
  Looked node{std::move(*loaded.profile), {}};
  node.facts = facts::gather(context.system.files, node.profile);
  if (show_app->parsed()) return show(context, node);
  return come(context, host::plan(node.profile, node.facts, *ours), how, "apply");
}

}  // namespace fettle::cli
