#include "health/software.h"

#include "base/text.h"
#include "health/compat.h"
#include "health/gpus.h"
#include "health/question.h"

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
  const facts::Rocm* const rocm = default_rocm(*facts.rocm);
  if (rocm == nullptr) return no_default(*facts.rocm);
  Finding finding = mildly_from(judge_rocm(rocm->version, profile.compat));
  if (facts.rocm->size() > 1) finding.says += "; it is the default of " + std::to_string(facts.rocm->size());
  return finding;
}

Finding compat_stack(const Facts& facts, const Profile& profile) {
  if (auto finding = without_table(profile)) return *finding;
  const Asked asked = question_of(facts);
  if (asked.instead) return *asked.instead;
  Finding finding = from(judge(asked.question, profile.compat));
  if (!facts.driver->loaded) finding.says += "; the driver is installed, not loaded";
  return finding;
}

}  // namespace fettle::health
