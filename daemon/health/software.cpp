#include "health/software.h"

#include <algorithm>

#include "base/text.h"
#include "health/compat.h"
#include "health/gpus.h"

namespace fettle::health {
namespace {

using facts::Facts;
using profile::Profile;

Finding from(const Answer& answer) {
  return {status_of(answer.verdict), answer.why, answer.hint};
}

// The same, but what is merely absent from the table is a warning: the combination decides, in compat.stack.
Finding mildly_from(const Answer& answer) {
  Finding finding = from(answer);
  if (finding.status == Status::fail) finding.status = Status::warn;
  return finding;
}

// Why there is nothing to compare with; nothing when there is.
std::optional<Finding> without_table(const Profile& profile) {
  if (!profile.gpus) return not_applicable("the profile asks for no GPUs");
  if (profile.compat.releases.empty()) {
    return Finding{Status::unknown, "the profile has no compatibility table",
                   "it comes with the package, below profiles/compat; reinstall it"};
  }
  return std::nullopt;
}

// The installation that counts: the default, or the only one.
const facts::Rocm* chosen(const std::vector<facts::Rocm>& rocm) {
  const auto at =
      std::find_if(rocm.begin(), rocm.end(), [](const facts::Rocm& one) { return one.is_default; });
  if (at != rocm.end()) return &*at;
  return rocm.size() == 1 ? &rocm.front() : nullptr;
}

Finding which_rocm(const std::vector<facts::Rocm>& rocm) {
  std::string versions;
  for (const facts::Rocm& one : rocm) versions += (versions.empty() ? "" : ", ") + one.version;
  return {Status::warn, "several ROCm releases (" + versions + ") and /opt/rocm leads to none of them",
          "choose one: `update-alternatives --config rocm`"};
}

// True when the package that dpkg knows is the module that runs.
bool package_runs(const facts::Driver& driver, const facts::DriverPackage& package) {
  return driver.loaded && driver.module_version == package.module_version;
}

}  // namespace

Finding os_release(const Facts& facts, const Profile& profile) {
  if (auto finding = without_table(profile)) return *finding;
  if (!facts.os) return unknown(facts.os.error());
  if (facts.os->release.empty()) {
    return {Status::unknown, "'" + facts.os->pretty + "' tells no version", "see /etc/os-release"};
  }
  return from(judge_os(facts.os->id, facts.os->release, profile.compat));
}

Finding os_kernel(const Facts& facts, const Profile& profile) {
  if (auto finding = without_table(profile)) return *finding;
  if (!facts.kernel) return unknown(facts.kernel.error());
  if (!facts.os) return unknown(facts.os.error());
  if (judge_os(facts.os->id, facts.os->release, profile.compat).verdict != Verdict::supported) {
    return {Status::unknown, "kernel " + facts.kernel->release + " on a system that the table does not know",
            "see os.release"};
  }
  Finding finding = from(judge_kernel(facts.os->release, facts.kernel->series, profile.compat));
  if (finding.status == Status::pass) finding.says = facts.kernel->release + ": " + finding.says;
  return finding;
}

Finding driver_amdgpu(const Facts& facts, const Profile& profile) {
  if (!profile.gpus) return not_applicable("the profile asks for no GPUs");
  if (!facts.driver) return unknown(facts.driver.error());
  const facts::Driver& driver = *facts.driver;
  if (!driver.loaded) {
    if (auto finding = driver_may_still_come(facts)) return *finding;
    return {Status::fail, "the amdgpu module is not loaded",
            "`modprobe amdgpu` loads it or says why not; some clouds blacklist it and load it by a service "
            "after boot"};
  }
  if (!driver.live) {
    return {Status::unknown, "the amdgpu module is still coming up",
            "look again in a minute; then see `dmesg | grep amdgpu`"};
  }
  if (driver.module_version.empty() || !driver.out_of_tree) {
    return {Status::warn, "amdgpu is the kernel's own module, which no table lists",
            "install amdgpu-dkms of a listed release"};
  }
  return {Status::pass, "amdgpu " + driver.module_version + " is live, built by DKMS", {}};
}

Finding driver_release(const Facts& facts, const Profile& profile) {
  if (auto finding = without_table(profile)) return *finding;
  if (!facts.driver_package) return unknown(facts.driver_package.error());
  if (!facts.driver) return unknown(facts.driver.error());
  const facts::DriverPackage& package = *facts.driver_package;
  const facts::Driver& driver = *facts.driver;
  if (!package.installed) {
    const auto releases = releases_of_module(driver.module_version, profile.compat);
    if (releases.empty()) {
      return {Status::warn, "amdgpu-dkms is not installed, so there is no driver release",
              "install amdgpu-dkms of a listed release"};
    }
    return {Status::warn,
            "amdgpu-dkms is not installed; module " + driver.module_version + " is of release " +
                releases.front() + (releases.size() > 1 ? " to " + releases.back() : ""),
            "install the driver by its package, so that its release is known"};
  }
  if (driver.loaded && !package_runs(driver, package)) {
    const std::string running =
        driver.module_version.empty() ? "the kernel's own module" : "module " + driver.module_version;
    return {Status::warn,
            "amdgpu-dkms is " + package.release + " (module " + package.module_version + "), but " + running +
                " runs",
            "reboot; if it stays so, `dkms status` tells whether the module was built for this kernel"};
  }
  return mildly_from(judge_driver(package.release, profile.compat));
}

Finding rocm_version(const Facts& facts, const Profile& profile) {
  if (auto finding = without_table(profile)) return *finding;
  if (!facts.rocm) return unknown(facts.rocm.error());
  if (facts.rocm->empty()) return not_applicable("no ROCm on the host; containers bring their own");
  const facts::Rocm* const rocm = chosen(*facts.rocm);
  if (rocm == nullptr) return which_rocm(*facts.rocm);
  Finding finding = mildly_from(judge_rocm(rocm->version, profile.compat));
  if (facts.rocm->size() > 1) finding.says += "; it is the default of " + std::to_string(facts.rocm->size());
  return finding;
}

Finding compat_stack(const Facts& facts, const Profile& profile) {
  if (auto finding = without_table(profile)) return *finding;
  if (!facts.os) return unknown(facts.os.error());
  if (!facts.kernel) return unknown(facts.kernel.error());
  if (!facts.driver) return unknown(facts.driver.error());
  if (!facts.driver_package) return unknown(facts.driver_package.error());
  if (!facts.rocm) return unknown(facts.rocm.error());
  const facts::Driver& driver = *facts.driver;
  const facts::DriverPackage& package = *facts.driver_package;
  Question question{.os_id = facts.os->id,
                    .os_release = facts.os->release,
                    .kernel_series = facts.kernel->series,
                    .kernel_flavour = facts.kernel->flavour};
  if (const facts::Rocm* const rocm = chosen(*facts.rocm)) {
    question.rocm = rocm->version;
  } else if (!facts.rocm->empty()) {
    Finding finding = which_rocm(*facts.rocm);
    finding.status = Status::unknown;
    return finding;
  }
  if (package.installed && (!driver.loaded || package_runs(driver, package))) {
    question.driver_release = package.release;
  } else if (driver.loaded && !driver.module_version.empty()) {
    question.driver_module = driver.module_version;
  } else if (driver.loaded) {
    return {Status::fail, "the kernel's own amdgpu module runs; the table lists releases of amdgpu-dkms only",
            "install amdgpu-dkms of a release that goes with your ROCm"};
  } else {
    return {Status::unknown, "no driver is loaded and none is installed", "see driver.amdgpu"};
  }
  Finding finding = from(judge(question, profile.compat));
  if (!driver.loaded) finding.says += "; the driver is installed, not loaded";
  return finding;
}

}  // namespace fettle::health
