#include "images/pull.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <chrono>
#include <optional>

#include "base/json.h"
#include "base/text.h"

namespace fettle::images {
namespace {

namespace json = boost::json;
using std::chrono::seconds;
using system::Command;
using system::System;

// The largest we know of has 22 GB.
constexpr std::chrono::hours pull_deadline{6};
constexpr seconds question_deadline{60};

// Logins of private registries, as `docker login` writes them.
constexpr std::string_view logins = "/etc/fettle/credentials/docker";

struct Candidate {
  std::string_view name;
  std::string_view program;
  std::array<std::string_view, 3> before;  // the words that lead to the service's socket
};
constexpr std::array candidates{
    Candidate{"docker", "/usr/bin/docker", {"--host", "unix:///run/docker.sock", ""}},
    Candidate{"podman", "/usr/bin/podman", {"--remote", "--url", "unix:///run/podman/podman.sock"}},
};

Engine engine_of(const System& system, const Candidate& candidate) {
  Engine engine{std::string(candidate.name), {std::string(candidate.program)}, {{"HOME", "/nonexistent"}}};
  for (const std::string_view each : candidate.before) {
    if (!each.empty()) engine.client.emplace_back(each);
  }
  const std::string file = std::string(logins) + "/config.json";
  if (system.files.exists(file).value_or(false)) {
    engine.env["DOCKER_CONFIG"] = logins;
    engine.env["REGISTRY_AUTH_FILE"] = file;
  }
  return engine;
}

Command command_of(const Engine& engine, const std::vector<std::string>& words, seconds deadline) {
  Command command{engine.client, engine.env, deadline};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  return command;
}

Result<system::Completed> ask(const System& system, const Engine& engine,
                              const std::vector<std::string>& words) {
  return system.runner.run(command_of(engine, words, question_deadline));
}

// Its last line: these clients end with what went wrong.
std::string last_line(std::string_view text) {
  text = trim(text);
  const auto begin = text.find_last_of('\n');
  return std::string(trim(begin == std::string_view::npos ? text : text.substr(begin + 1)));
}

struct Here {
  Bytes size;
  bool has_digest = false;
};

// Nothing when the image is not here; an error when that could not be told.
Result<std::optional<Here>> find(const System& system, const Engine& engine, const profile::Image& image) {
  const std::string name = pinned_name(image);
  const auto answer = ask(system, engine, {"image", "inspect", name});
  if (!answer) return fail(answer.error());
  const auto list = parse_json(answer->out, "the answer about the image '" + name + "'");
  if (!list || !list->is_array()) {
    return fail(
        Why::failed, "cannot tell whether the image '" + name + "' is here: " + last_line(answer->err),
        "`" + to_text(command_of(engine, {"image", "inspect", name}, question_deadline)) + "` says more");
  }
  if (list->as_array().empty()) return std::optional<Here>();
  const json::value& told = list->as_array().front();
  Here here{Bytes{json_count(told, "Size")}, false};
  for (const json::value& digest : json_list(told, "RepoDigests")) {
    if (digest.is_string() && std::string_view(digest.as_string()).ends_with("@" + image.digest))
      here.has_digest = true;
  }
  return std::optional<Here>(here);
}

void refuse(ImageReport& report, const Error& error) {
  report.state = State::failed;
  report.error = error;
}

void look_at(const System& system, const Engine& engine, const profile::Image& image, ImageReport& report) {
  const auto here = find(system, engine, image);
  if (!here) return refuse(report, here.error());
  if (!*here) return;
  report.size = (*here)->size;
  if (!image.unpinned && !(*here)->has_digest) {
    return refuse(report,
                  {Why::malformed, "cannot trust the image '" + report.pinned + "': it has another digest",
                   "remove it, and pull it again"});
  }
  report.state = State::ready;
}

std::vector<std::string> pull_words(const profile::Image& image) {
  return {"pull", "--quiet", pinned_name(image)};
}
std::vector<std::string> tag_words(const profile::Image& image) {
  return {"tag", pinned_name(image), tagged_name(image)};
}

// False, and why, when the command did not do it.
bool run(const System& system, const Command& command, const std::string& doing, ImageReport& report) {
  const auto done = system.runner.run(command);
  if (done && done->exit_code == 0) return true;
  refuse(report, done ? Error{Why::failed, "cannot " + doing + ": " + last_line(done->err),
                              "is the registry reachable, and is there room? it is tried again each hour"}
                      : while_doing(doing, done.error()));
  return false;
}

}  // namespace

Result<Engine> find_engine(const System& system) {
  std::optional<Error> silent;
  for (const Candidate& candidate : candidates) {
    const auto is_there = system.files.exists(candidate.program);
    if (!is_there) return fail(is_there.error());
    if (!*is_there) continue;
    Engine engine = engine_of(system, candidate);
    const auto answer = ask(system, engine, {"version", "--format", "{{json .}}"});
    const auto told =
        answer ? parse_json(answer->out, "its version") : Result<json::value>(fail(answer.error()));
    const json::value* const server = told ? json_field(*told, "Server") : nullptr;
    const std::string version = server != nullptr ? json_text(*server, "Version") : std::string();
    if (!version.empty()) {
      engine.name += " " + version;
      return engine;
    }
    if (!silent) {
      silent = Error{Why::failed,
                     "cannot reach " + std::string(candidate.name) + ": " +
                         (answer ? last_line(answer->err) : answer.error().said),
                     candidate.name == "docker" ? "`systemctl status docker`"
                                                : "`systemctl enable --now podman.socket`"};
    }
  }
  if (silent) return fail(*silent);
  return fail(Why::missing, "cannot pull images: neither docker nor podman is installed",
              "install one of them, or take 'images' out of the configuration");
}

Report look(const System& system, const Result<Engine>& engine, const profile::ImageList& list) {
  Report report{list.name, engine ? engine->name : "", {}, {}, system.clock.now()};
  if (!engine) report.error = engine.error();
  for (const profile::Image& image : list.images) {
    ImageReport& row = report.images.emplace_back();
    row.name = tagged_name(image);
    row.pinned = pinned_name(image);
    row.is_unpinned = image.unpinned;
    row.size = image.size;
    if (engine) look_at(system, *engine, image, row);
  }
  return report;
}

std::vector<Command> plan(const Engine& engine, const profile::ImageList& list, const Report& report) {
  std::vector<Command> commands;
  for (std::size_t at = 0; at < list.images.size() && at < report.images.size(); ++at) {
    const profile::Image& image = list.images[at];
    if (report.images[at].state != State::wanted) continue;
    commands.push_back(command_of(engine, pull_words(image), pull_deadline));
    if (!image.unpinned) commands.push_back(command_of(engine, tag_words(image), question_deadline));
  }
  return commands;
}

Report pull(const System& system, const Engine& engine, const profile::ImageList& list,
            const Published& published) {
  Report report = look(system, engine, list);
  published(report);
  for (std::size_t at = 0; at < list.images.size(); ++at) {
    const profile::Image& image = list.images[at];
    ImageReport& row = report.images[at];
    if (row.state != State::wanted) continue;
    row.state = State::pulling;
    report.updated_at = system.clock.now();
    published(report);
    if (run(system, command_of(engine, pull_words(image), pull_deadline),
            "pull the image '" + row.pinned + "'", row)) {
      row.state = State::wanted;
      look_at(system, engine, image, row);
      if (row.state == State::wanted) {
        refuse(row, {Why::failed, "cannot find the image '" + row.pinned + "', which was just pulled",
                     "`" + engine.client.front() + " image ls --digests` shows what came"});
      }
      if (row.state == State::ready && !image.unpinned)
        (void)run(system, command_of(engine, tag_words(image), question_deadline),
                  "tag the image '" + row.pinned + "'", row);
    }
    report.updated_at = system.clock.now();
    published(report);
  }
  return report;
}

}  // namespace fettle::images
