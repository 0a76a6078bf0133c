// The partition modes of the GPUs: how they stand, and what may be set of them.
//
// The compute mode is one value of the kernel for each GPU, which the driver forgets at each start, so a rule
// of udev sets it again. The memory mode is never set: it starts the drivers of all GPUs anew.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "facts/facts.h"
#include "host/ours.h"
#include "host/plan.h"
#include "host/standing.h"
#include "profile/profile.h"

namespace fettle::host {

inline constexpr std::string_view partition_name = "gpu_partition";

// Does the profile want a mode at all?
bool wants_partition(const profile::Profile& profile);

// "CPX/NPS4 on each GPU"
std::string wanted_partition_text(const profile::Profile& profile);
std::string_view why_partition();

SettingJudgement look_at_partition(const profile::Profile& profile, const facts::Facts& facts);

struct PartitionPlan {
  std::string rule;            // what our file of udev holds; empty = none is needed
  std::vector<Before> before;  // the modes that stood there
  std::vector<ValueStep> values;
  std::vector<Advice> advice;
  std::vector<Error> refused;
};

// Sets nothing in a guest, nothing that the driver does not offer or that does not go with the memory mode
// there is, and nothing while a process uses a GPU or when it is not known whether one does.
PartitionPlan plan_partition(const profile::Profile& profile, const facts::Facts& facts, const OurFile& ours);

// Is this the compute mode of a GPU?
bool is_partition(std::string_view path);

// Does the GPU have the mode that is remembered of it?
bool stands(const Before& before, const facts::Facts& facts);

// Why no mode may be changed now; nothing when all GPUs are idle.
std::optional<Error> why_not_now(const facts::Facts& facts);

// What the driver meant by refusing a mode, as advice.
Error with_partition_advice(Error error);

// What became of a write: the driver may take a mode and stay in another. `told` is what it says afterwards.
Result<Outcome> taken(std::string_view path, std::string_view wanted, const Result<std::string>& told);

}  // namespace fettle::host
