#include "env/diff.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>

#include "base/json.h"
#include "base/text.h"

namespace fettle::env {
namespace {

// One string of execve(2) has at most 128 KiB; all together at most a quarter of the stack, 2 MiB by default.
constexpr Bytes largest_environment = 8_MiB;

void add(Running& running, std::string_view text) {
  const auto mark = text.find('=');
  if (mark == std::string_view::npos || mark == 0) return;
  running.environment.emplace_back(text.substr(0, mark), text.substr(mark + 1));
}

bool is_in_container(const system::Files& files, const std::string& directory) {
  const auto text = files.read(directory + "/cgroup", 64_KiB);
  if (!text) return false;
  constexpr std::array<std::string_view, 4> signs{"docker", "libpod", "kubepods", "containerd"};
  return std::any_of(signs.begin(), signs.end(),
                     [&](std::string_view sign) { return text->find(sign) != std::string::npos; });
}

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

const std::string* Running::find(std::string_view name) const {
  // Of two of one name a program sees the first.
  const auto at = std::find_if(environment.begin(), environment.end(),
                               [&](const auto& each) { return each.first == name; });
  return at == environment.end() ? nullptr : &at->second;
}

Result<Running> of_process(const system::Files& files, unsigned pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  const auto text = files.read(directory + "/environ", largest_environment);
  if (!text) {
    Error error = text.error();
    error.hint = error.why == Why::missing ? "is it still running?" : "root and the process's owner may look";
    return fail(std::move(error));
  }
  if (text->empty()) {
    return fail(Why::missing,
                "cannot tell the environment of process " + std::to_string(pid) + ": it has none",
                "a thread of the kernel has none, nor has a process that ended");
  }
  Running running;
  for (const std::string_view each : split(*text, '\0')) add(running, each);
  running.who = "process " + std::to_string(pid);
  if (const auto name = files.read(directory + "/comm", 4_KiB)) {
    running.who += " (";
    for (const char c : trim(*name)) running.who += c >= ' ' && c <= '~' ? c : '?';
    running.who += ")";
  }
  running.where = is_in_container(files, directory) ? Scope::container : Scope::host;
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
      if (each.is_string()) add(running, std::string_view(each.get_string()));
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
    const std::string* const has = running.find(each.name);
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
    const std::string* const has = running.find(each.name);
    if (is_wanted || has == nullptr || (!each.value.empty() && *has != each.value)) continue;
    all.push_back({each.name, Difference::unwanted, *has, {}, each.why, each.source});
  }
  return all;
}

}  // namespace fettle::env
