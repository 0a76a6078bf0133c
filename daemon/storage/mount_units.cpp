#include "storage/mount_units.h"

#include <array>

#include "base/names.h"
#include "base/unit_name.h"
#include "storage/quota.h"

namespace fettle::storage {
namespace {

constexpr std::string_view first_line =
    "# Written by fettle's generator: the configuration says where the cache is. `systemctl cat` shows it.\n";
constexpr std::string_view drop_in_name = "50-cache.conf";

std::string drop_in_of(std::string_view unit) {
  return std::string(unit) + ".d/" + std::string(drop_in_name);
}

std::string options_of(const profile::Profile& profile) {
  return std::string("Options=noatime,nosuid,nodev") + (wants_quotas(profile) ? ",prjquota" : "") + "\n";
}

// As the package's srv-fettle.mount; tests hold the two together.
std::string mount_of(const profile::Profile& profile) {
  return "[Unit]\nDescription=Cache on the local "
         "drives\nDocumentation=man:fettle(1)\nDefaultDependencies=no\n"
         "Requires=fettle-provision.service\nAfter=fettle-provision.service\n"
         "ConditionPathIsSymbolicLink=/run/fettle/cache\nConflicts=umount.target\nBefore=umount.target\n\n"
         "[Mount]\nWhat=/run/fettle/cache\nWhere=" +
         profile.cache->path + "\nType=xfs\n" + options_of(profile) + "TimeoutSec=5min\n";
}

class Writing {
 public:
  Writing(const profile::Profile& profile, std::string_view directory)
      : profile_(profile), cache_(*profile.cache), directory_(directory) {}

  std::vector<UnitFile> all() && {
    const std::string packaged = mount_unit_of(names::default_mount);
    const std::string unit = mount_unit_of(cache_.path);
    if (unit == packaged) {
      if (!wants_quotas(profile_)) return {};
      add(drop_in_of(unit), "[Mount]\n" + options_of(profile_), "the cache is mounted with quotas");
      add(drop_in_of("fettle-cache.service"), "[Service]\n" + rights(), "quotas are set there");
    } else if (cache_.drives) {
      add(unit, mount_of(profile_), "the cache is mounted on '" + cache_.path + "'");
      add(drop_in_of(packaged),
          "[Unit]\n# Never true: the cache is mounted on " + cache_.path + ".\nConditionPathExists=!/\n",
          "nothing is mounted on '" + std::string(names::default_mount) + "'");
      provision();
      uses("Requires=" + unit + "\nAfter=" + unit + "\n");
    } else {
      uses("RequiresMountsFor=" + cache_.path + "\n");
    }
    return std::move(files_);
  }

 private:
  void add(const std::string& name, const std::string& content, std::string says) {
    files_.push_back({directory_ + "/" + name, std::string(first_line) + content, std::move(says)});
  }

  // The mount point is made outside of the sandbox, to which all but /srv is read-only.
  void provision() {
    const std::string parent = cache_.path.substr(0, cache_.path.rfind('/'));
    add(drop_in_of("fettle-provision.service"),
        (parent.empty() ? std::string() : "[Unit]\nRequiresMountsFor=" + parent + "\n\n") +
            "[Service]\nExecStartPre=-+/usr/bin/fettle provision --mount-point\n",
        "the mount point is closed while nothing is mounted there");
  }

  // To set a quota takes both; the package's unit has neither.
  std::string rights() const {
    return wants_quotas(profile_) ? "CapabilityBoundingSet=CAP_SYS_ADMIN\nSystemCallFilter=quotactl_fd\n"
                                  : "";
  }

  void uses(const std::string& order) {
    add(drop_in_of("fettle-cache.service"),
        "[Unit]\n" + order + "\n[Service]\nReadWritePaths=-" + cache_.path + "\n" + rights(),
        "the directories of the cache are made there");
    add(drop_in_of("fettle-stage@.service"),
        "[Unit]\n" + order + "\n[Service]\nReadWritePaths=-" + cache_.path + "/hf\n",
        "models are staged there");
    add(drop_in_of("fettle-collect.service"), "[Service]\nReadWritePaths=-" + cache_.path + "\n",
        "the cache is tried there");
  }

  const profile::Profile& profile_;
  const profile::Cache& cache_;
  std::string directory_;
  std::vector<UnitFile> files_;
};

}  // namespace

std::vector<UnitFile> mount_units(const profile::Profile& profile, std::string_view directory) {
  return profile.cache ? Writing(profile, directory).all() : std::vector<UnitFile>();
}

Result<bool> is_to_be_read_again(const profile::Profile& profile, const system::Files& files) {
  const std::vector<UnitFile> wanted = mount_units(profile, generator_directory);
  for (const UnitFile& file : wanted) {
    const auto there = files.read(file.path, 64_KiB);
    if (!there && there.error().why != Why::missing) return fail(there.error());
    if (!there || *there != file.content) return true;
  }
  if (!wanted.empty()) return false;
  // Of a configuration before this one.
  const auto left = files.exists(std::string(generator_directory) + "/" + drop_in_of("fettle-cache.service"));
  if (!left) return fail(left.error());
  return *left;
}

}  // namespace fettle::storage
