#include "env/plan.h"

#include <algorithm>
#include <optional>

#include "base/names.h"
#include "env/dialect.h"

namespace fettle::env {
namespace {

bool overlap(Scope a, Scope b) {
  return a == b || a == Scope::all || b == Scope::all;
}

// Everything that is asked for, whether it can be delivered or not.
std::vector<Variable> wanted(const profile::Profile& profile) {
  std::vector<Variable> variables = profile.environment;
  if (!profile.cache) return variables;
  for (const profile::CacheDirectory& directory : profile.caches) {
    // One value for the whole node would mix the code of different images.
    if (directory.compiled == profile::Compiled::by_image) continue;
    for (const std::string& name : directory.env) {
      variables.push_back({name, profile.cache->path + "/" + directory.name, Scope::all, directory.why,
                           "cache directory '" + directory.name + "' of the profile"});
    }
  }
  return variables;
}

std::optional<Error> refusal(const Variable& variable, const std::vector<Variable>& taken) {
  if (const auto sound = is_sound(variable); !sound) return sound.error();
  for (const Dialect& dialect : dialects()) {
    if (!dialect.takes(variable.scope)) continue;
    if (const auto carried = dialect.can_carry(variable); !carried) return carried.error();
  }
  const bool twice = std::any_of(taken.begin(), taken.end(), [&](const Variable& other) {
    return other.name == variable.name && overlap(other.scope, variable.scope);
  });
  if (!twice) return std::nullopt;
  return Error{
      Why::refused,
      "cannot deliver the variable '" + variable.name + "' a second time: the profile has set it already",
      "keep one of the two; a cache directory sets the variables of its 'env' too"};
}

}  // namespace

std::string_view to_text(Scope scope) {
  switch (scope) {
    case Scope::all:
      return "all";
    case Scope::host:
      return "host";
    case Scope::container:
      return "container";
  }
  return "all";
}

Plan plan(const profile::Profile& profile) {
  Plan made;
  for (Variable& variable : wanted(profile)) {
    if (auto error = refusal(variable, made.variables)) {
      made.refused.push_back({variable.name, std::move(*error)});
    } else {
      made.variables.push_back(std::move(variable));
    }
  }
  for (const Dialect& dialect : dialects()) {
    if (dialect.file_name.empty()) continue;
    made.files.push_back({std::string(names::env_directory) + "/" + std::string(dialect.file_name),
                          text_of(dialect, made.variables)});
  }
  return made;
}

std::vector<Applied> apply(const Plan& plan, const system::Files& files) {
  std::vector<Applied> done;
  for (const Refusal& refused : plan.refused) done.push_back({refused.name, Outcome::refused, refused.error});
  for (const File& file : plan.files) {
    const auto written = files.write(file.path, file.content, file.mode);
    if (written) {
      done.push_back({file.path, *written, {}});
    } else {
      done.push_back({file.path, Outcome::failed, while_doing("deliver the environment", written.error())});
    }
  }
  return done;
}

}  // namespace fettle::env
