// fettle host show|apply|revert: the settings of the host, knob by knob: wanted, found, who set it.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/words.h"
#include "host/apply.h"
#include "host/partition.h"
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

// A line of `fettle host show`.
struct Row {
  std::string name;
  std::string wanted;
  std::string why;
  std::string source;
  host::SettingJudgement looked;
};

std::vector<Row> rows_of(const Looked& node) {
  std::vector<Row> rows;
  if (node.profile.host) {
    for (const profile::Setting& setting : node.profile.host->settings)
      rows.push_back({setting.name, host::wanted_text(setting), setting.why, setting.source,
                      host::look_at(setting, node.facts)});
  }
  if (host::wants_partition(node.profile))
    rows.push_back({std::string(host::partition_name), host::wanted_partition_text(node.profile),
                    std::string(host::why_partition()), "",
                    host::look_at_partition(node.profile, node.facts)});
  return rows;
}

json::object to_json(const Row& row) {
  return {{"name", row.name},
          {"wanted", row.wanted},
          {"standing", host::to_text(row.looked.standing)},
          {"found", row.looked.found},
          {"set_by", row.looked.set_by},
          {"said", row.looked.error.said},
          {"why", row.why},
          {"source", row.source}};
}

int show(Context& context, const Looked& node) {
  const std::vector<Row> rows = rows_of(node);
  std::vector<host::SettingJudgement> all;
  std::size_t widest = 0;
  for (const Row& row : rows) {
    all.push_back(row.looked);
    widest = std::max(widest, row.name.size());
  }
  json::array answer;
  for (const Row& row : rows) {
    if (context.format == Format::json) {
      answer.emplace_back(to_json(row));
      continue;
    }
    context.out << padded(std::string(host::to_text(row.looked.standing)), 11) << padded(row.name, widest + 2)
                << found_or_why(row.looked) << '\n';
    if (row.looked.standing == host::Standing::wrong || row.looked.standing == host::Standing::pending)
      context.out << std::string(widest + 13, ' ') << "wanted: " << row.wanted << '\n';
  }
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{{"settings", std::move(answer)}});
  } else if (rows.empty()) {
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
  json::array refused;
  for (const Error& error : plan.refused)
    refused.emplace_back(json::object{{"said", error.said}, {"hint", error.hint}});
  return {{"files", std::move(files)},
          {"values", std::move(values)},
          {"advice", std::move(advice)},
          {"refused", std::move(refused)}};
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
  Words words(
      "fettle host",
      "Settings of the host that the profile names: sysctl, sysfs, module parameters, limits, and the "
      "kernel\n"
      "command line. Only files of its own are written (90-fettle.conf); the command line never is.\n"
      "Exit code of show: 0 all good, 1 some are not, 3 some could not be looked at. A dry run: 1 when "
      "there\n"
      "is something to do.");
  words.needs_one_verb();
  bool yes = false;
  const Words& show_verb = words.verb("show", "Each setting: wanted, found, who set it");
  Words& apply_verb = words.verb("apply", "Write what is wrong; a dry run without --yes");
  Words& revert_verb = words.verb("revert", "Remove our files, set values back; a dry run without --yes");
  apply_verb.flag("--yes", yes, "Do it");
  revert_verb.flag("--yes", yes, "Do it");
  if (const auto code = words.read(context, arguments)) return *code;
  const Act how = yes ? Act::for_real : Act::dry_run;
  const auto ours = host::look(context.system.files);
  if (!ours) return report(context, ours.error());
  // Going back needs no profile: what is ours says what it did.
  if (revert_verb.is_given())
    return come(context, host::plan_revert(*ours, facts::gather(context.system.files)), how, "revert");
  profile::Loaded loaded = profile::load(context.system.files, profile::Tables::without_versions);
  if (!loaded.profile) return complain(context, loaded.complaints);
  Looked node{std::move(*loaded.profile), {}};
  node.facts = facts::gather(context.system.files, node.profile);
  if (show_verb.is_given()) return show(context, node);
  return come(context, host::plan(node.profile, node.facts, *ours), how, "apply");
}

}  // namespace fettle::cli
