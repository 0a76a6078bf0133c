#include "env/diff.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/json.h"
#include "base/text.h"

namespace fettle::env {
namespace {

bool is_container(std::string_view id) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !id.empty() && id.size() <= 128 && is_letter(id.front()) &&
         std::all_of(id.begin(), id.end(), [&](char c) {
           return is_letter(c) || std::string_view("_.-").find(c) != std::string_view::npos;
         });
}

}  // namespace

Result<Running> of_process(const system::Files& files, unsigned pid) {
  auto environment = facts::read_environment(files, pid);
  if (!environment) return fail(environment.error());
  Running running{"process " + std::to_string(pid), Scope::host, {}, std::move(*environment)};
  if (const auto process = facts::read_process(files, pid)) {
    running.who += " (" + process->name + ")";
    running.where = process->where;
  }
  return running;
}

Result<Running> of_container(const system::System& system, std::string_view id) {
  if (!is_container(id)) {
    return fail(Why::malformed,
                "cannot take '" + std::string(id.substr(0, 80)) + "' for a container: that is no name or id",
                "`docker ps` shows both");
  }
  Error error{Why::missing, "cannot look into a container: neither docker nor podman is in /usr/bin", {}};
  for (const char* const program : {"/usr/bin/docker", "/usr/bin/podman"}) {
    const auto is_there = system.files.exists(program);
    if (!is_there) return fail(is_there.error());
    if (!*is_there) continue;
    const auto done =
        system.runner.run({{program, "container", "inspect", "--format", "{{json .Config}}", std::string(id)},
                           {},
                           std::chrono::seconds(20)});
    if (!done) return fail(done.error());
    if (done->exit_code != 0) {
      error = {Why::missing,
               "cannot look into the container '" + std::string(id) + "': " + std::string(trim(done->err)),
               "`docker ps` shows those that run"};
      continue;
    }
    const auto told = parse_json(done->out, "what is known of the container '" + std::string(id) + "'");
    if (!told) return fail(told.error());
    Running running{"container " + std::string(id), Scope::container, json_text(*told, "Image"), {}};
    for (const boost::json::value& each : json_list(*told, "Env")) {
      const std::string_view text = each.is_string() ? std::string_view(each.get_string()) : "";
      const auto mark = text.find('=');
      if (mark == std::string_view::npos || mark == 0) continue;
      running.environment.variables.emplace_back(text.substr(0, mark), text.substr(mark + 1));
    }
    return running;
  }
  return fail(std::move(error));
}

std::vector<Unwanted> unwanted(const profile::Profile& profile) {
  std::vector<Unwanted> all;
  for (const profile::NotSet& each : profile.not_set)
    all.push_back({each.name, each.value, each.why, each.source});
  if (!profile.cache) return all;
  for (const profile::CacheDirectory& each : profile.caches) {
    if (each.compiled != profile::Compiled::by_image || !each.file.empty()) continue;
    for (const std::string& name : each.env) {
      all.push_back({name, profile.cache->path + "/" + each.name, "one directory for all images: " + each.why,
                     "cache directory '" + each.name + "' of the profile"});
    }
  }
  return all;
}

std::vector<Variable> wanted(const profile::Profile& profile, Scope where) {
  std::vector<Variable> all;
  for (Variable& each : plan(profile).variables) {
    if (each.scope == Scope::all || each.scope == where) all.push_back(std::move(each));
  }
  return all;
}

std::string_view to_text(Difference difference) {
  switch (difference) {
    case Difference::same:
      return "same";
    case Difference::missing:
      return "missing";
    case Difference::other:
      return "other";
    case Difference::unwanted:
      return "unwanted";
  }
  return "other";
}

std::vector<Compared> compare(const Running& running, const std::vector<Variable>& wanted,
                              const std::vector<Unwanted>& unwanted) {
  std::vector<Compared> all;
  for (const Variable& each : wanted) {
    const std::string* const has = running.environment.find(each.name);
    const Difference difference = has == nullptr       ? Difference::missing
                                  : *has == each.value ? Difference::same
                                                       : Difference::other;
    all.push_back(
        {each.name, difference, has == nullptr ? std::string() : *has, each.value, each.why, each.source});
  }
  const std::size_t count = all.size();
  for (const Unwanted& each : unwanted) {
    const bool is_wanted = std::any_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count),
                                       [&](const Compared& other) { return other.name == each.name; });
    const std::string* const has = running.environment.find(each.name);
    if (is_wanted || has == nullptr || (!each.value.empty() && *has != each.value)) continue;
    all.push_back({each.name, Difference::unwanted, *has, {}, each.why, each.source});
  }
  return all;
}

}  // namespace fettle::env
