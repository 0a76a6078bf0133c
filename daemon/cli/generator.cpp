// fettle generator: the units of a cache that is not where the package's units expect it; systemd runs it.
#include <CLI/CLI.hpp>
#include <ostream>

#include "base/text.h"
#include "cli/commands.h"
#include "profile/load.h"
#include "storage/mount_point.h"
#include "storage/mount_units.h"

namespace fettle::cli {
int run_generator(Context& context, const std::vector<std::string>& arguments) {
  CLI::App cli(
      "Writes what systemd has to know of a cache that is not on /srv/fettle, or that has quotas: its mount\n"
      "unit and drop-ins for fettle's own. systemd runs it at each boot and each `systemctl daemon-reload`.",
      "fettle generator");
  std::string directory;
  std::vector<std::string> others;
  cli.add_option("DIRECTORY", directory, "where the units go; nothing else is written")->required();
  cli.add_option("OTHERS", others, "the directories of other priority that systemd names: not used");
  try {
    cli.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return cli.exit(error, context.out, context.err) == 0 ? ok : usage;
  }
  const auto loaded = profile::load(context.system.files, profile::Tables::without_versions);
  if (!loaded.profile) {
    // fettle-provision.service says the same, and the cache is then mounted nowhere.
    return report(context,
                  {Why::malformed,
                   "cannot use the configuration: it has " + count_of(loaded.complaints.size(), "mistake"),
                   "`fettle profile check` shows each with its place"},
                  bad_config);
  }
  if (!loaded.profile->cache) return ok;
  // The generator of /etc/fstab writes a unit of the same name, in any order with ours.
  if (const auto taken = storage::why_taken(*loaded.profile->cache, context.system.files))
    return report(context, *taken);
  for (const storage::UnitFile& file : storage::mount_units(*loaded.profile, directory)) {
    const auto written = context.system.files.write(file.path, file.content);
    if (!written) return report(context, written.error());
  }
  return ok;
}

}  // namespace fettle::cli
