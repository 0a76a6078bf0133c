#include "storage/history.h"

#include <array>

#include "base/names.h"
#include "base/text.h"

namespace fettle::storage {
namespace {

// Steps are never edited: a changed table is a new step.
constexpr std::array<std::string_view, 1> steps{store::events_step};
constexpr store::Schema schema{0x66747072, steps};  // "ftpr"
constexpr std::string_view subject = "storage.verdict";

constexpr std::array roles{Role::ours,       Role::kin,  Role::blank,   Role::foreign,
                           Role::unreadable, Role::busy, Role::missing, Role::system};

}  // namespace

std::string evidence(const Plan& plan, const Ending& ending, Verb verb, const std::string& boot_id) {
  std::string text = "boot " + (boot_id.empty() ? "unknown" : boot_id.substr(0, 8)) + ", " +
                     std::string(to_text(verb)) + ": " + std::string(to_text(plan.verdict));
  for (const Role role : roles) {
    std::string serials;
    for (const PlannedDrive& planned : plan.drives) {
      if (planned.role == role)
        serials += " " + (planned.drive.serial.empty() ? "without-serial" : planned.drive.serial);
    }
    if (!serials.empty()) text += "; " + std::string(to_text(role)) + serials;
  }
  if (!plan.record.array_uuid.empty()) text += "; array " + plan.record.array_uuid;
  if (!ending.record.filesystem_uuid.empty()) text += "; filesystem " + ending.record.filesystem_uuid;
  if (plan.refusal) return text + "; refused: " + plan.says;
  std::size_t changed = 0;
  for (const Applied& applied : ending.steps) changed += applied.outcome == Outcome::changed ? 1 : 0;
  text += "; " + count_of(changed, "step") + " changed something";
  if (ending.error) text += "; failed: " + ending.error->said;
  return text;
}

Result<Outcome> remember(const system::System& system, const std::string& evidence) {
  auto opened = store::Database::open(system.files, names::provision_state, schema);
  if (!opened) return fail(opened.error());
  const auto newest = store::newest_events(opened->database, 1);
  if (!newest) return fail(newest.error());
  if (!newest->empty() && newest->back().says == evidence) return Outcome::already_so;
  const auto added = opened->database.transaction(
      [&] { return store::add_event(opened->database, system.clock.now(), subject, evidence); });
  if (!added) return fail(added.error());
  return Outcome::changed;
}

Result<std::vector<store::Event>> history(const system::Files& files, std::int64_t count) {
  const auto there = files.exists(names::provision_state);
  if (!there) return fail(there.error());
  if (!*there) {
    return fail(Why::missing, "cannot find '" + std::string(names::provision_state) + "'",
                "nothing was provisioned on this machine yet");
  }
  const auto opened = store::Database::open(files, names::provision_state, schema);
  if (!opened) return fail(opened.error());
  return store::newest_events(opened->database, count);
}

}  // namespace fettle::storage
