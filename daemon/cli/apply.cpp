// fettle apply: does what `fettle plan` says, in the order of the boot: drives, mount, directories,
// environment.
#include <optional>
#include <ostream>

#include "app/provision.h"
#include "base/names.h"
#include "base/text.h"
#include "cli/arrangement.h"
#include "cli/commands.h"
#include "cli/phases.h"
#include "cli/words.h"
#include "profile/load.h"

namespace fettle::cli {
namespace {

int came_to(Context& context, const app::Provisioned& done, const storage::PhaseReport& phase) {
  if (context.format == Format::text) print_phase(context.out, phase);
  if (done.error) return report(context, *done.error, code_of(done.came));
  return code_of(done.came);
}

Result<void> systemctl(const system::System& system, const std::string& verb, const std::string& unit) {
  const auto done = system.runner.run({{"/usr/bin/systemctl", verb, unit}, {}, std::chrono::minutes(10)});
  if (!done) return fail(done.error());
  if (done->exit_code == 0) return {};
  return fail(Why::failed, "cannot " + verb + " '" + unit + "': " + std::string(trim(done->err)),
              "`systemctl list-dependencies " + unit + "` shows which unit failed");
}

// PID 1 mounts, and runs the cache phase in its own unit; the daemon judges by the same configuration from
// now on. Below another root there is nothing to mount and no unit.
Result<void> tell_systemd(const system::System& system, const profile::Profile& wanted) {
  if (!system.files.is_the_machine()) return {};
  if (const auto runs = system.files.exists("/run/systemd/system"); !runs || !*runs) return {};
  if (auto started = systemctl(system, "start", std::string(names::cache_target)); !started) return started;
  auto told = systemctl(system, "try-reload-or-restart", std::string(names::daemon_unit));
  if (!told) return told;
  return systemctl(system, wanted.engines.empty() ? "stop" : "restart", std::string(names::engine_unit));
}

// What is in somebody's way stays as it is, and is told at the end: the cache itself does not depend on it.
std::optional<Error> arrange_around(Context& context, const profile::Profile& wanted) {
  std::optional<Error> error;
  for (const storage::Arranged& one : arrange(wanted, context.system)) {
    const bool is_done = one.outcome == Outcome::changed || one.outcome == Outcome::already_so;
    if (!is_done && !error) error = one.error;
    if (context.format == Format::text && !one.says.empty())
      context.out << "  " << to_text(one.outcome) << ": " << one.says << '\n';
  }
  return error;
}

}  // namespace

int run_apply(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle apply",
      "Does what `fettle plan` says: what the units do at boot, now. Creates on blank drives only, erases\n"
      "nothing, and changes nothing when all is as wanted.");
  if (const auto code = words.read(context, arguments)) return *code;
  const app::Provisioned drives = app::provision(context.system, app::Phase::boot, app::Mode::act);
  if (const int code = came_to(context, drives, drives.report.boot); code != ok) return code;
  const auto loaded = profile::load(context.system.files, profile::Tables::without_versions);
  if (!loaded.profile)
    return bad_config;  // it was changed since, and the next apply tells what is wrong with it
  const std::optional<Error> in_the_way = arrange_around(context, *loaded.profile);
  if (const auto told = tell_systemd(context.system, *loaded.profile); !told)
    return report(context, told.error());
  const app::Provisioned cache = app::provision(context.system, app::Phase::cache, app::Mode::act);
  const int code = came_to(context, cache, cache.report.cache);
  if (code == ok && in_the_way) return report(context, *in_the_way);
  if (code == ok && context.format == Format::json) context.out << storage::to_json(cache.report);
  return code;
}

}  // namespace fettle::cli
