// fettle storage: which drives there are, what is on each, and what would be done to them. Writes nothing.
#include "storage/plan.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "app/provision.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/storage_text.h"

namespace fettle::cli {
namespace {

// Somebody who may not read the drives has seen nothing, which is no finding about them.
bool was_denied(const app::Provisioned& provisioned) {
  return std::any_of(provisioned.plan.drives.begin(), provisioned.plan.drives.end(),
                     [](const storage::PlannedDrive& planned) {
                       return planned.role == storage::Role::unreadable &&
                              planned.why.find(system_text(EACCES)) != std::string::npos;
                     });
}

}  // namespace

int run_storage(Context& context, const std::vector<std::string>& arguments) {
  CLI::App cli(
      "Shows the drives that the profile wants, what is on each, and what provisioning would do. It writes\n"
      "nothing. Exit code 2: provisioning would refuse.",
      "fettle storage");
  const auto* const show = cli.add_subcommand("show", "the drives and the verdict (the default)");
  const auto* const plan =
      cli.add_subcommand("plan", "also every step, its command, and which drives it writes to");
  cli.require_subcommand(0, 1);
  try {
    cli.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return cli.exit(error, context.out, context.err) == 0 ? ok : usage;
  }
  const app::Provisioned looked = app::look_at_storage(context.system);
  if (looked.came == app::Came::misconfigured) {
    for (const profile::Complaint& complaint : looked.complaints)
      context.err << profile::to_text(complaint) << '\n';
    return report(context, *looked.error, bad_config);
  }
  if (was_denied(looked)) {
    return report(context, {Why::denied, "cannot read the drives: Permission denied", "run it as root"},
                  not_permitted);
  }
  if (context.format == Format::json) {
    context.out << pretty_json(storage::describe(looked.plan));
  } else {
    print_verdict(context.out, looked.plan);
    print_drives(context.out, looked.plan);
    if (plan->parsed() && !show->parsed()) print_steps(context.out, looked.plan);
  }
  return looked.came == app::Came::well ? ok : failed;
}

}  // namespace fettle::cli
