#include "health/next_boot.h"

#include "facts/readers.h"
#include "health/compat.h"
#include "health/question.h"

namespace fettle::health {
namespace {

using facts::Facts;
using facts::NextBoot;
using profile::Profile;

// The node serves until it is rebooted, so none of this is a failure of today: at most a warning.
Finding warned(std::string says, std::string hint) {
  return {Status::warn, std::move(says), std::move(hint)};
}

bool runs_already(const NextBoot& next, const Facts& facts) {
  return facts.kernel && facts.kernel->release == next.kernel && facts.driver && facts.driver->live &&
         facts.driver->out_of_tree;
}

Finding without_dkms(const NextBoot& next) {
  const std::string kernel = "kernel " + next.kernel;
  if (next.dkms_version.empty()) {
    if (next.own_module.empty())
      return warned(kernel + " will have no amdgpu at all",
                    "install amdgpu-dkms, or linux-modules-extra of that kernel for the kernel's own driver");
    return warned(kernel + " will have the kernel's own amdgpu, which no table lists",
                  "install amdgpu-dkms of a listed release");
  }
  const std::string build = "`dkms install amdgpu/" + next.dkms_version + " -k " + next.kernel + "`";
  if (!next.has_headers)
    return warned(
        kernel + " will have no amdgpu of DKMS: its headers are not installed, so nothing was built",
        "`apt install linux-headers-" + next.kernel +
            "`, which builds it; or boot and hold the kernel "
            "that runs now");
  return warned(kernel + " will have no amdgpu of DKMS: it was not built for it",
                build + " builds it or says why not (/var/lib/dkms/amdgpu/" + next.dkms_version +
                    "/build/make.log); until then do not reboot, or hold the kernel");
}

// Nothing when the firmware will let the module in.
std::optional<Finding> refused_by_firmware(const NextBoot& next, const Facts& facts) {
  if (!next.secure_boot) return unknown(next.secure_boot.error());
  if (*next.secure_boot == facts::SecureBoot::off || runs_already(next, facts)) return std::nullopt;
  const std::string hint =
      "`mokutil --list-enrolled` must show the key that signed it (`modinfo -F signer " + next.dkms_module +
      "`); `mokutil --import /var/lib/shim-signed/mok/MOK.der` enrols it, at the console of the next boot";
  if (next.signature && *next.signature == facts::Signature::absent)
    return warned("Secure Boot is on and the driver for kernel " + next.kernel + " is not signed", hint);
  // A driver of DKMS that runs under Secure Boot shows that the owner's key is enrolled; DKMS signs all with
  // it.
  const bool runs_now = facts.driver && facts.driver->live && facts.driver->out_of_tree;
  if (next.has_owner_key && runs_now) return std::nullopt;
  if (next.signature)
    return warned("Secure Boot is on, and nothing shows that the driver's key is enrolled", hint);
  Finding finding = unknown(next.signature.error());
  finding.says = "Secure Boot is on, and it is not known who signed the driver for kernel " + next.kernel;
  finding.hint = hint;
  return finding;
}

// What the compatibility table says of that kernel with the driver that is installed.
std::optional<Finding> not_in_table(const NextBoot& next, const Facts& facts, const Profile& profile) {
  if (profile.compat.releases.empty()) return std::nullopt;
  if (!facts.kernel || facts.kernel->release == next.kernel) return std::nullopt;  // compat.stack says it
  Asked asked = question_of(facts);
  const facts::Kernel kernel = facts::parse_kernel_release(next.kernel);
  asked.question.kernel_series = kernel.series;
  asked.question.kernel_flavour = kernel.flavour;
  if (facts.driver_package && facts.driver_package->installed) {
    asked.question.driver_release = facts.driver_package->release;
    asked.question.driver_module.clear();
  }
  if (asked.question.os_release.empty()) return std::nullopt;
  const Answer answer = judge(asked.question, profile.compat);
  if (status_of(answer.verdict) == Status::pass || answer.verdict == Verdict::flavour_not_listed)
    return std::nullopt;
  return warned("the next boot takes kernel " + next.kernel + ": " + answer.why,
                answer.hint.empty()
                    ? "`fettle compat` shows what goes together; `apt-mark hold` keeps a kernel"
                    : answer.hint);
}

}  // namespace

Finding driver_next_boot(const Facts& facts, const Profile& profile) {
  if (!profile.gpus) return not_applicable("the profile asks for no GPUs");
  if (!facts.next_boot) return unknown(facts.next_boot.error());
  const NextBoot& next = *facts.next_boot;
  if (!next.chosen_by_hand.empty()) {
    return {Status::unknown,
            "/etc/default/grub chooses the kernel by hand (GRUB_DEFAULT=" + next.chosen_by_hand +
                "): which one it will be is not known",
            "GRUB_DEFAULT=0 boots the newest; `grub-editenv list` shows what is saved"};
  }
  if (next.dkms_module.empty()) return without_dkms(next);
  if (const auto finding = refused_by_firmware(next, facts)) return *finding;
  if (const auto finding = not_in_table(next, facts, profile)) return *finding;
  return {Status::pass, "kernel " + next.kernel + " has the driver that DKMS built", {}};
}

}  // namespace fettle::health
