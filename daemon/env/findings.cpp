#include "env/findings.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "env/diff.h"

namespace fettle::env {
namespace {

using facts::GpuProgram;

struct Drift {
  const GpuProgram* program = nullptr;
  std::vector<std::string> unwanted, missing, other;

  std::size_t size() const { return unwanted.size() + missing.size() + other.size(); }
};

std::string who(const GpuProgram& program) {
  return (program.engine.empty() ? program.name : program.engine) + " (pid " + std::to_string(program.pid) +
         ")";
}

std::string named(const std::vector<std::string>& names, std::string_view verb) {
  constexpr std::size_t most = 2;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text + (names.size() == 1 ? " is " : " are ") + std::string(verb);
}

std::string told(const Drift& drift) {
  std::string text;
  const auto add = [&](const std::vector<std::string>& names, std::string_view verb) {
    if (!names.empty()) text += (text.empty() ? "" : "; ") + named(names, verb);
  };
  add(drift.unwanted, "set and does harm or nothing");
  add(drift.other, "not as the profile wants");
  add(drift.missing, "missing");
  return who(*drift.program) + ": " + text;
}

Drift drift_of(const GpuProgram& program, const profile::Profile& profile,
               const std::set<std::string>& names) {
  Drift drift{&program, {}, {}, {}};
  const Running running{who(program), program.where, {}, *program.environment};
  for (const Compared& each : compare(running, wanted(profile, program.where), unwanted(profile))) {
    if (!names.contains(each.name)) continue;
    switch (each.difference) {
      case Difference::same:
        break;
      case Difference::missing:
        if (!program.engine.empty()) drift.missing.push_back(each.name);
        break;
      case Difference::other:
        if (!program.engine.empty()) drift.other.push_back(each.name);
        break;
      case Difference::unwanted:
        drift.unwanted.push_back(each.name);
        break;
    }
  }
  return drift;
}

Finding judge(const facts::GpuPrograms& found, const profile::Profile& profile) {
  if (!found.programs) return unknown(found.programs.error());
  if (found.programs->empty()) return {Status::pass, "no program uses a GPU", {}};
  const std::set<std::string> names(found.names.begin(), found.names.end());
  std::vector<Drift> drifts;
  const GpuProgram* hidden = nullptr;
  for (const GpuProgram& program : *found.programs) {
    if (!program.environment) {
      hidden = hidden == nullptr ? &program : hidden;
    } else if (Drift drift = drift_of(program, profile, names); drift.size() > 0) {
      drifts.push_back(std::move(drift));
    }
  }
  if (!drifts.empty()) {
    const auto worst = std::max_element(drifts.begin(), drifts.end(), [](const Drift& a, const Drift& b) {
      return std::pair(a.unwanted.size(), a.size()) < std::pair(b.unwanted.size(), b.size());
    });
    const std::string more =
        drifts.size() > 1 ? "; and " + count_of(drifts.size() - 1, "more program") : std::string();
    return {Status::warn, told(*worst) + more,
            "`fettle env diff --pid " + std::to_string(worst->program->pid) +
                "` tells values and reasons; `fettle run-line MODEL` has the variables of an engine"};
  }
  if (hidden != nullptr) return unknown(hidden->environment.error());
  return {Status::pass,
          count_of(found.programs->size(), "program uses", "programs use") +
              " GPUs, with the variables of the profile",
          {}};
}

constexpr std::array all{
    Explanation{
        "env.drift",
        "the environment of each program that uses a GPU (/sys/class/kfd/kfd/proc, /proc/PID/environ), read "
        "by "
        "`fettle collect` as root; only the variables that the profile names",
        "A container that was started by hand has none of the node's variables: models are fetched again "
        "into "
        "the container, kernels compiled again at each start. A variable that somebody exported long ago can "
        "keep an engine from starting at all.",
        "`fettle env diff --pid PID` tells each value with its reason. A running program keeps what it was "
        "started with: start it again with the line of `fettle run-line MODEL`, or with "
        "`--env-file /run/fettle/env/container.env`. Where it is meant so: `fettle acknowledge env.drift`."},
};

}  // namespace

std::vector<std::string> watched(const profile::Profile& profile, const std::vector<std::string>& decided) {
  std::set<std::string> names;
  for (const Variable& each : plan(profile).variables) names.insert(each.name);
  for (const Unwanted& each : unwanted(profile)) names.insert(each.name);
  for (const std::string& each : decided) names.erase(each);
  // One directory for all images is wrong for every model.
  for (const profile::CacheDirectory& each : profile.caches) {
    if (each.compiled == profile::Compiled::by_image) names.insert(each.env.begin(), each.env.end());
  }
  return {names.begin(), names.end()};
}

Findings findings(const facts::Facts& facts, const profile::Profile& profile,
                  std::chrono::system_clock::time_point now) {
  if (!profile.gpus) return {};
  return {{"env.drift", "environment of the programs on the GPUs",
           facts.gpu_programs ? judge(*facts.gpu_programs, profile) : unknown(facts.gpu_programs.error()),
           now}};
}

std::span<const Explanation> explanations() {
  return all;
}

}  // namespace fettle::env
