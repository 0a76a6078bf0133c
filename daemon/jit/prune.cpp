#include "jit/prune.h"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>

#include "archive/staging.h"
#include "base/json.h"
#include "base/text.h"
#include "jit/place.h"
#include "profile/compiled.h"
#include "system/in_use.h"

namespace fettle::jit {
namespace {

struct Program {
  std::string_view path;
  std::vector<std::string> arguments;
};

const std::array<Program, 2>& programs() {
  static const std::array<Program, 2> all{
      Program{"/usr/bin/docker", {"image", "ls", "--no-trunc", "--digests", "--format", "{{json .}}"}},
      Program{"/usr/bin/podman", {"image", "ls", "--no-trunc", "--digests", "--format", "json"}}};
  return all;
}

void take(const boost::json::value& image, std::set<std::string>& out) {
  for (const char* const key : {"Digest", "ID", "Id"}) {
    std::string text = json_text(image, key);
    if (!text.empty() && !text.starts_with("sha256:")) text = "sha256:" + text;  // podman's own way
    if (profile::is_digest(text)) out.insert(text);
  }
  for (const boost::json::value& each : json_list(image, "RepoDigests")) {
    if (!each.is_string()) continue;
    const std::string text(each.get_string());
    if (const auto at = text.find('@'); at != std::string::npos && profile::is_digest(text.substr(at + 1)))
      out.insert(text.substr(at + 1));
  }
}

// docker prints an object a line, podman one list.
Result<void> take_all(std::string_view text, std::string_view program, std::set<std::string>& out) {
  const std::string what = "what " + std::string(program) + " says of its images";
  if (trim(text).starts_with("[")) {
    const auto list = parse_json(text, what);
    if (!list) return fail(list.error());
    if (!list->is_array()) return fail(Why::malformed, "cannot read " + what + ": it is no list");
    for (const boost::json::value& each : list->get_array()) take(each, out);
    return {};
  }
  for (const std::string_view line : lines(text)) {
    const auto image = parse_json(line, what);
    if (!image) return fail(image.error());
    take(*image, out);
  }
  return {};
}

// Why a cache that could go may not.
std::string why_not(const Cached& cached) {
  if (cached.use == Use::used) return "somebody uses it";
  if (cached.use == Use::unknown)
    return "nobody knows whether it is used" + (cached.error ? ": " + cached.error->said : std::string());
  const bool is_at_work = std::any_of(cached.locks.begin(), cached.locks.end(),
                                      [](const Lock& lock) { return lock.use != Use::idle; });
  return is_at_work ? "somebody compiles there" : "";
}

std::string what_of(const Cached& cached) {
  if (!cached.manifest) return "compiled code of an image that nobody knows";
  const std::string& reference = cached.manifest->reference;
  return "compiled code of " + (reference.empty() ? cached.manifest->image : reference);
}

Result<void> remove_place(const system::System& system, const profile::Profile& profile,
                          const Removal& removal) {
  for (const Cached& each : look(system.files, profile)) {
    if (each.path != removal.path) continue;
    if (const std::string why = why_not(each); !why.empty())
      return fail(Why::refused, "cannot remove '" + removal.path + "': " + why);
  }
  const std::string parent = removal.path.substr(0, removal.path.find_last_of('/'));
  const auto lock = claim_directory(system, parent);
  if (!lock) return fail(lock.error());
  // Gone in one step for everybody else; what follows may take its time.
  auto staging = archive::Staging::make(system.files, parent, "jit-prune");
  if (!staging) return fail(staging.error());
  return system.files.rename(removal.path, staging->path_of(std::string_view("gone")));
}

}  // namespace

Result<std::set<std::string>> images_of_node(const system::System& system) {
  std::set<std::string> images;
  unsigned asked = 0;
  for (const Program& program : programs()) {
    const auto is_there = system.files.exists(program.path);
    if (!is_there) return fail(is_there.error());
    if (!*is_there) continue;
    ++asked;
    system::Command command{{std::string(program.path)}, {}, std::chrono::seconds(20)};
    command.argv.insert(command.argv.end(), program.arguments.begin(), program.arguments.end());
    const auto done = system.runner.run(command);
    if (!done) return fail(done.error());
    if (done->exit_code != 0) {
      return fail(Why::failed, "cannot tell the images of this node: '" + to_text(command) + "' ended with " +
                                   std::to_string(done->exit_code) + ": " + std::string(trim(done->err)));
    }
    if (auto taken = take_all(done->out, program.path, images); !taken) return fail(taken.error());
  }
  if (asked == 0) {
    return fail(Why::missing, "cannot tell the images of this node: neither docker nor podman is in /usr/bin",
                "name what shall go: `fettle jit prune CACHE/KEY`");
  }
  return images;
}

Result<Plan> plan(const std::vector<Cached>& all, const Result<std::set<std::string>>& images,
                  const std::vector<std::string>& named) {
  for (const std::string& name : named) {
    const auto found = find(all, name);
    if (!found) return fail(found.error());
    if (found->key.empty())
      return fail(Why::refused,
                  "cannot prune '" + name + "': images share it, and nothing tells whose is what",
                  "stop what uses it and empty '" + found->path + "' by hand");
  }
  Plan plan;
  for (const Cached& each : all) {
    const bool is_named = std::find(named.begin(), named.end(), each.name()) != named.end();
    const bool is_orphan =
        named.empty() && each.manifest && images && images->count(each.manifest->image) == 0;
    if (!each.key.empty() && (is_named || is_orphan)) {
      if (const std::string why = why_not(each); !why.empty()) {
        plan.kept.push_back({each.name(), why});
      } else {
        plan.remove.push_back({each.path, what_of(each) + (is_orphan ? ", which is not on this node" : ""),
                               each.bytes, Removal::Kind::place});
        continue;  // its locks go with it
      }
    } else if (!each.key.empty() && named.empty() && each.manifest && !images) {
      plan.kept.push_back({each.name(), images.error().said});
    } else if (!each.key.empty() && named.empty() && !each.manifest) {
      plan.kept.push_back({each.name(), "nobody knows of which image it is; name it to remove it"});
    }
    for (const Lock& lock : each.locks) {
      if (lock.use == Use::idle)
        plan.remove.push_back({lock.path, "a lock that nobody holds", {}, Removal::Kind::lock});
    }
  }
  return plan;
}

std::vector<Removed> apply(const Plan& plan, const system::System& system, const profile::Profile& profile) {
  std::vector<Removed> all;
  for (const Removal& removal : plan.remove) {
    Removed done{removal, Outcome::changed, {}};
    if (removal.kind == Removal::Kind::place) {
      if (auto removed = remove_place(system, profile, removal); !removed) {
        done.outcome = removed.error().why == Why::refused ? Outcome::refused : Outcome::failed;
        done.error = removed.error();
      }
    } else if (const auto used = system::is_in_use(system.files, removal.path); used && *used) {
      done.outcome = Outcome::refused;
      done.error = {Why::refused, "cannot remove '" + removal.path + "': somebody holds it now", {}};
    } else if (!used && used.error().why != Why::missing) {
      done.error = used.error();
      done.outcome = Outcome::failed;
    } else if (auto removed = system.files.remove(removal.path); removed) {
      done.outcome = *removed;
    } else {
      done.error = removed.error();
      done.outcome = Outcome::failed;
    }
    all.push_back(std::move(done));
  }
  return all;
}

}  // namespace fettle::jit
