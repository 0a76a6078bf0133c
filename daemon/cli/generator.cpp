// fettle generator: the units of a cache that is not where the package's units expect it; systemd runs it.
#include <ostream>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/words.h"
#include "profile/load.h"
#include "storage/mount_point.h"
#include "storage/mount_units.h"

namespace fettle::cli {
int run_generator(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle generator",
      "Writes what systemd has to know of a cache that is not on /srv/fettle, or that has quotas: its mount\n"
      "unit and drop-ins for fettle's own. systemd runs it at each boot and each `systemctl daemon-reload`.");
  std::string directory;
  std::vector<std::string> others;
  words.option("DIRECTORY", directory, "where the units go; nothing else is written").required();
  words.option("OTHERS", others, "the directories of other priority that systemd names: not used");
  if (const auto code = words.read(context, arguments)) return *code;
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
