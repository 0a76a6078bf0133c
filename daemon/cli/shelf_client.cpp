// fettle shelf client install|show: the hub's client `hf` that staging uses.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/shelves.h"
#include "shelf/client.h"
#include "shelf/client_install.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

int show(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  const profile::Shelf shelf;
  shelf::Options options;
  options.client = words.client;
  const shelf::Layout layout{(profile.cache ? profile.cache->path : std::string("/srv/fettle")) + "/hf"};
  const auto client = shelf::find_client({context.system, shelf, options, layout});
  if (!client) return report(context, client.error());
  if (context.format == Format::json) {
    context.out << pretty_json(
        json::object{{"program", client->program}, {"version", client->version.to_text()}});
    return ok;
  }
  context.out << client->program << ", version " << client->version.to_text() << '\n';
  return ok;
}

void print_json(Context& context, const shelf::InstallPlan& plan, std::string_view outcome) {
  json::array commands;
  for (const system::Command& command : plan.commands) commands.emplace_back(to_text(command));
  context.out << pretty_json(json::object{{"requirements", plan.requirements},
                                          {"packages", plan.wanted.size()},
                                          {"directory", plan.directory},
                                          {"commands", std::move(commands)},
                                          {"outcome", outcome}});
}

int install(Context& context, const ShelfWords& words) {
  const auto plan = shelf::plan_install(context.system.files, {words.file, words.wheelhouse});
  if (!plan) return report(context, plan.error());
  const bool is_there = plan->commands.empty();
  if (!is_there && !words.dry_run) {
    if (auto installed = shelf::apply_install(context.system, *plan); !installed)
      return report(context, installed.error());
  }
  if (context.format == Format::json) {
    print_json(context, *plan, is_there ? "already_so" : words.dry_run ? "planned" : "changed");
  } else if (is_there) {
    context.out << "the client of '" << plan->requirements << "' is installed in " << plan->directory << '\n';
  } else if (words.dry_run) {
    context.out << "from '" << plan->requirements << "', " << count_of(plan->wanted.size(), "package")
                << ", each with its version and hash:\n";
    for (const system::Command& command : plan->commands) context.out << "  " << to_text(command) << '\n';
    context.out << "then " << shelf::client_link << " leads to " << plan->directory << '\n';
  } else {
    context.out << "installed the client of '" << plan->requirements << "' in " << plan->directory << "; "
                << shelf::client_link << " leads there\n";
  }
  return ok;
}

}  // namespace

int shelf_client(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  return words.action == "install" ? install(context, words) : show(context, profile, words);
}

}  // namespace fettle::cli
