// fettle provision: what the units run at boot, and an operator after a repair.
#include "app/provision.h"

#include <ostream>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/phases.h"
#include "cli/storage_text.h"
#include "cli/words.h"

namespace fettle::cli {
int run_provision(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle provision",
      "Makes the local drives into the cache that the profile wants. Creates on blank drives only, erases\n"
      "nothing, and changes nothing when all is as wanted. The units of the package run it at boot.");
  bool is_mount_point = false;
  bool is_boot = false;
  bool is_cache = false;
  bool is_dry_run = false;
  Words& phase = words.one_of("phase");
  phase.flag("--mount-point", is_mount_point, "only make and close the mount point of the cache");
  phase.flag("--boot", is_boot, "before the mount: find or make the array and the filesystem");
  phase.flag("--cache", is_cache, "after the mount: directories, environment files, shelves");
  words.flag("--dry-run", is_dry_run, "say what would be done, write nothing");
  if (const auto code = words.read(context, arguments)) return *code;
  if (is_mount_point && is_dry_run) {
    return report(context,
                  {Why::refused, "cannot try --mount-point", "`fettle plan` says what would be done"}, usage);
  }
  if (is_mount_point) {
    const app::Provisioned closed = app::provision(context.system, app::Phase::mount_point, app::Mode::act);
    return closed.error ? report(context, *closed.error, code_of(closed.came)) : ok;
  }
  const app::Provisioned done = app::provision(context.system, is_boot ? app::Phase::boot : app::Phase::cache,
                                               is_dry_run ? app::Mode::dry_run : app::Mode::act);
  if (context.format == Format::json) {
    if (is_dry_run && is_boot) {
      context.out << pretty_json(storage::describe(done.plan));
    } else if (done.report.verdict.empty() && done.error) {
      return report(context, *done.error, code_of(done.came));
    } else {
      context.out << storage::to_json(done.report);
    }
    return code_of(done.came);
  }
  if (is_dry_run && is_boot && done.came != app::Came::misconfigured) {
    print_verdict(context.out, done.plan);
    print_drives(context.out, done.plan, context.width);
    print_rivals(context.out, done.plan, context.width);
    print_steps(context.out, done.plan);
    return code_of(done.came);
  }
  print_phase(context.out, is_boot ? done.report.boot : done.report.cache);
  return done.error ? report(context, *done.error, code_of(done.came)) : code_of(done.came);
}

}  // namespace fettle::cli
