#include "health/question.h"

#include <algorithm>

namespace fettle::health {

const facts::Rocm* default_rocm(const std::vector<facts::Rocm>& rocm) {
  const auto at =
      std::find_if(rocm.begin(), rocm.end(), [](const facts::Rocm& one) { return one.is_default; });
  if (at != rocm.end()) return &*at;
  return rocm.size() == 1 ? &rocm.front() : nullptr;
}

Finding no_default(const std::vector<facts::Rocm>& rocm) {
  std::string versions;
  for (const facts::Rocm& one : rocm) versions += (versions.empty() ? "" : ", ") + one.version;
  return {Status::warn, "several ROCm releases (" + versions + ") and /opt/rocm leads to none of them",
          "choose one: `update-alternatives --config rocm`"};
}

bool package_runs(const facts::Driver& driver, const facts::DriverPackage& package) {
  return driver.loaded && driver.module_version == package.module_version;
}

namespace {

std::optional<Finding> add_driver(const facts::Facts& facts, Question& question) {
  if (!facts.driver) return unknown(facts.driver.error());
  if (!facts.driver_package) return unknown(facts.driver_package.error());
  const facts::Driver& driver = *facts.driver;
  const facts::DriverPackage& package = *facts.driver_package;
  if (package.installed && (!driver.loaded || package_runs(driver, package))) {
    question.driver_release = package.release;
  } else if (driver.loaded && !driver.module_version.empty()) {
    question.driver_module = driver.module_version;
  } else if (driver.loaded) {
    return Finding{Status::fail,
                   "the kernel's own amdgpu module runs; the table lists releases of amdgpu-dkms only",
                   "install amdgpu-dkms of a release that goes with your ROCm"};
  } else {
    return Finding{Status::unknown, "no driver is loaded and none is installed", "see driver.amdgpu"};
  }
  return std::nullopt;
}

std::optional<Finding> add_rocm(const facts::Facts& facts, Question& question) {
  if (!facts.rocm) return unknown(facts.rocm.error());
  if (const facts::Rocm* const rocm = default_rocm(*facts.rocm)) {
    question.rocm = rocm->version;
    return std::nullopt;
  }
  if (facts.rocm->empty()) return std::nullopt;
  Finding finding = no_default(*facts.rocm);
  finding.status = Status::unknown;
  return finding;
}

}  // namespace

Asked question_of(const facts::Facts& facts) {
  Asked asked;
  const auto note = [&](std::optional<Finding> problem) {
    if (problem && !asked.instead) asked.instead = std::move(problem);
  };
  if (facts.os) {
    asked.question.os_id = facts.os->id;
    asked.question.os_release = facts.os->release;
  } else {
    note(unknown(facts.os.error()));
  }
  if (facts.kernel) {
    asked.question.kernel_series = facts.kernel->series;
    asked.question.kernel_flavour = facts.kernel->flavour;
  } else {
    note(unknown(facts.kernel.error()));
  }
  auto without_driver = add_driver(facts, asked.question);
  auto without_rocm = add_rocm(facts, asked.question);
  asked.rocm_is_known = !without_rocm;
  // What could not be read comes first, then what stands in the way of a known part.
  if (without_driver && without_driver->status == Status::unknown) note(std::move(without_driver));
  note(std::move(without_rocm));
  note(std::move(without_driver));
  return asked;
}

}  // namespace fettle::health
