#include "app/order.h"

#include "app/drives.h"
#include "base/names.h"
#include "base/text.h"
#include "storage/apply.h"
#include "storage/history.h"
#include "system/lock.h"

namespace fettle::app {
namespace {

using namespace std::chrono_literals;

constexpr auto other_provisioner = 60s;

Came came_of(const Error& error) {
  if (error.why == Why::timed_out) return Came::busy;
  return error.why == Why::denied ? Came::not_permitted : Came::refused;
}

Ordered failed(Ordered ordered, Error error, Came came) {
  ordered.provisioned.came = came;
  ordered.provisioned.error = std::move(error);
  return ordered;
}

void take_over(Ordered& ordered, Looked looked, storage::Verb verb) {
  ordered.provisioned.plan = std::move(looked.plan);
  ordered.hash = storage::hash_of(looked.sight, ordered.provisioned.plan, verb);
  ordered.provisioned.came = Came::well;
  if (!ordered.provisioned.plan.refusal) return;
  ordered.provisioned.came = Came::refused;
  ordered.provisioned.error = ordered.provisioned.plan.refusal;
}

// For the daemon and the next look of people; the directories come with the mount.
void tell_others(const system::System& system, const profile::Profile& profile, storage::Verb verb,
                 Ordered& ordered, std::chrono::steady_clock::time_point began) {
  Provisioned& provisioned = ordered.provisioned;
  provisioned.report = storage::report_of(provisioned.plan, ordered.ending, profile);
  storage::PhaseReport& boot = provisioned.report.boot;
  boot.at = system.clock.now();
  boot.duration = std::chrono::duration_cast<std::chrono::milliseconds>(system.clock.steady() - began);
  const auto identity = facts::gather(system.files).identity;
  const auto kept =
      storage::remember(system, storage::evidence(provisioned.plan, ordered.ending, verb,
                                                  identity ? identity->boot_id : std::string()));
  if (!kept) boot.warnings.push_back(kept.error().said + ", the order is not remembered");
  if (const auto written = storage::write_report(system.files, provisioned.report);
      !written && !provisioned.error)
    provisioned.error = written.error();
}

}  // namespace

Ordered order(const system::System& system, storage::Verb verb,
              const std::optional<storage::Consent>& consent) {
  const auto began = system.clock.steady();
  Ordered ordered;
  Result<Fd> lock = Fd();
  if (consent) {
    lock = system::lock_file(system.files, names::provision_lock, system.clock, other_provisioner);
    if (!lock) return failed(std::move(ordered), lock.error(), came_of(lock.error()));
  }
  auto loaded = profile::load(system.files);
  if (!loaded.profile) {
    ordered.provisioned.complaints = std::move(loaded.complaints);
    return failed(std::move(ordered),
                  {Why::malformed, "cannot use the configuration: it has mistakes",
                   "`fettle profile check` shows each with its place"},
                  Came::misconfigured);
  }
  const profile::Profile profile = std::move(*loaded.profile);
  const auto fresh = storage::choose_names();
  if (!fresh) return failed(std::move(ordered), fresh.error(), Came::refused);
  Looked looked = look_at_drives(system, profile, storage::Depth::thorough, *fresh, verb);
  if (!consent) {
    take_over(ordered, std::move(looked), verb);
    return ordered;
  }
  // From here on udev and others keep off, until the last step is done; what counts is the look under the
  // locks.
  const auto locks = system::DriveLocks::take(system.files, names_of(looked), system.clock, drive_locks);
  if (!locks) return failed(std::move(ordered), locks.error(), came_of(locks.error()));
  wait_for_lookers(system, names_of(looked));
  take_over(ordered, look_at_drives(system, profile, storage::Depth::thorough, *fresh, verb), verb);
  Provisioned& provisioned = ordered.provisioned;
  if (provisioned.came != Came::well) return ordered;
  if (const auto agreed = storage::check(*consent, provisioned.plan, ordered.hash); !agreed) {
    return failed(std::move(ordered), while_doing(std::string(storage::to_text(verb)), agreed.error()),
                  Came::refused);
  }
  ordered.ending = storage::apply(provisioned.plan, system);
  if (ordered.ending.error) {
    provisioned.error = ordered.ending.error;
    provisioned.came = came_of(*ordered.ending.error);
  }
  tell_others(system, profile, verb, ordered, began);
  return ordered;
}

}  // namespace fettle::app
