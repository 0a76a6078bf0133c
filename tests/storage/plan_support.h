// What the tests of plans share: look, plan and provision on a machine made of files, and what a refusal is.
#pragma once

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "storage/apply.h"
#include "storage/look.h"
#include "storage/plan.h"
#include "support/storage_machine.h"

namespace fettle::storage {

using test::DriveSpec;
using test::other_uuid;
using test::StorageMachine;

inline const Fresh fresh{"aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002",
                         "cccccccc-0000-4000-8000-000000000003"};

inline Sight look_at(StorageMachine& machine) {
  return look(facts::gather(machine.tree.files()), *machine.profile.cache, machine.tree.files(),
              Depth::thorough);
}

inline Plan plan_of(StorageMachine& machine) {
  return plan(look_at(machine), machine.profile, fresh);
}

inline Ending provision(StorageMachine& machine) {
  const Plan planned = plan_of(machine);
  REQUIRE_MESSAGE(is_good(planned), planned.says);
  return apply(planned, machine.system());
}

inline std::vector<Act> acts_of(const Plan& plan) {
  std::vector<Act> acts;
  for (const Step& step : plan.steps) acts.push_back(step.act);
  return acts;
}

inline const PlannedDrive& drive_of(const Plan& plan, const std::string& serial) {
  for (const PlannedDrive& planned : plan.drives) {
    if (planned.drive.serial == serial) return planned;
  }
  throw std::runtime_error("no drive " + serial);
}

// A refusal: the verdict, words of the reason, no step, and not a byte changed, not a program run.
inline void check_refused(StorageMachine& machine, Verdict verdict, const std::vector<std::string>& words) {
  const std::string before = machine.fingerprint();
  const Plan planned = plan_of(machine);
  CHECK_MESSAGE(planned.verdict == verdict, to_text(planned.verdict), ": ", planned.says);
  CHECK(planned.steps.empty());
  REQUIRE(planned.refusal.has_value());
  for (const std::string& word : words) {
    CHECK_MESSAGE(planned.refusal->said.find(word) != std::string::npos, "'", word,
                  "' is not in: ", planned.refusal->said);
  }
  CHECK_FALSE(planned.refusal->hint.empty());
  CHECK(apply(planned, machine.system()).steps.empty());
  CHECK(machine.ran.empty());
  CHECK(machine.fingerprint() == before);
  CHECK_FALSE(*machine.tree.files().exists("/run/fettle/cache"));
}

}  // namespace fettle::storage
