#include "shelf/client_install.h"

#include <array>
#include <optional>

#include "base/text.h"
#include "shelf/client.h"
#include "shelf/verify.h"

namespace fettle::shelf {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 2> usual_lists{"/etc/fettle/client/requirements.txt",
                                                      "/usr/share/fettle/profiles/client/requirements.txt"};
constexpr std::array<std::string_view, 2> usual_uv{"/usr/bin/uv", "/usr/local/bin/uv"};
constexpr std::string_view python = "/usr/bin/python3";
constexpr auto install_deadline = 900s;  // some 15 wheels, 30 MB, over a slow line

std::optional<std::string> first_of(const system::Files& files, const auto& places) {
  for (const std::string_view place : places) {
    const auto there = files.exists(place);
    if (there && *there) return std::string(place);
  }
  return std::nullopt;
}

// Nothing of the user's own settings of pip or uv, no cache of theirs.
std::map<std::string, std::string> environment(const system::Files& files, const std::string& directory) {
  return {{"HOME", files.host_path(directory)},
          {"PIP_CONFIG_FILE", "/dev/null"},
          {"PIP_NO_INPUT", "1"},
          {"PIP_DISABLE_PIP_VERSION_CHECK", "1"},
          {"PIP_NO_CACHE_DIR", "1"},
          {"UV_NO_CONFIG", "1"},
          {"UV_NO_CACHE", "1"}};
}

// What makes the environment and fills it. With uv no pip is needed in it, nor the package python3-venv.
std::vector<system::Command> commands_of(const system::Files& files, const InstallPlan& plan,
                                         const InstallWish& wish) {
  const std::string directory = files.host_path(plan.directory);
  const auto uv = first_of(files, usual_uv);
  std::vector<std::string> make{files.host_path(python), "-m", "venv", "--clear"};
  if (uv) make.emplace_back("--without-pip");
  make.push_back(directory);
  std::vector<std::string> fill;
  if (uv) {
    fill = {files.host_path(*uv), "pip", "install", "--python", directory + "/bin/python"};
  } else {
    fill = {directory + "/bin/python", "-m", "pip", "install"};
  }
  fill.insert(fill.end(), {"--require-hashes", "--only-binary", ":all:"});
  if (!wish.wheelhouse.empty())
    fill.insert(fill.end(), {"--no-index", "--find-links", files.host_path(wish.wheelhouse)});
  fill.insert(fill.end(), {"-r", files.host_path(plan.requirements)});
  const auto env = environment(files, plan.directory);
  return {{std::move(make), env, 120s}, {std::move(fill), env, install_deadline}};
}

// Is the link ours, or free to be?
Result<std::string> link_now(const system::Files& files) {
  const auto info = files.look(client_link);
  if (!info && info.error().why == Why::missing) return std::string();
  if (!info) return fail(info.error());
  if (info->kind == system::Kind::link) return files.read_link(client_link);
  return fail(Why::refused,
              "cannot install the client: '" + std::string(client_link) + "' was made by somebody else",
              "it goes on being used; move it away to have one of fettle's own");
}

// The first line that calls itself an error: pip's details come after it. Else the last one.
std::string_view telling_line(std::string_view words) {
  std::string_view last;
  for (const std::string_view line : lines(words)) {
    if (line.substr(0, 6) == "ERROR:" || line.substr(0, 6) == "error:") return line;
    if (!line.empty()) last = line;
  }
  return last;
}

Error failure(const system::Command& command, const system::Completed& done) {
  std::string said = "cannot install the client: '" + command.argv[0] + "' ended with exit code " +
                     std::to_string(done.exit_code);
  const std::string_view words = trim(done.err.empty() ? std::string_view(done.out) : done.err);
  if (const std::string_view line = telling_line(words); !line.empty()) said += ": " + scrubbed(line);
  const bool has_no_pip =
      done.out.find("ensurepip") != std::string::npos || done.err.find("ensurepip") != std::string::npos;
  const bool differs = words.find("DO NOT MATCH THE HASHES") != std::string_view::npos ||
                       words.find("Hash mismatch") != std::string_view::npos;
  return {Why::failed, std::move(said),
          has_no_pip ? "`apt install python3-venv`, or install uv"
          : differs
              ? "what came is not what the list names: never install it; make the list anew only when you "
                "know why"
              : "can the registry be reached? without a network: --wheelhouse DIR"};
}

}  // namespace

Result<InstallPlan> plan_install(const system::Files& files, const InstallWish& wish) {
  InstallPlan plan;
  const auto list = wish.requirements.empty() ? first_of(files, usual_lists)
                                              : std::optional<std::string>(wish.requirements);
  if (!list) {
    return fail(
        Why::missing, "cannot install the client: there is no '" + std::string(usual_lists[0]) + "'",
        "make it where the registry can be reached: uv pip compile --generate-hashes --python-version "
        "3.12 -o requirements.txt /usr/share/fettle/profiles/client/requirements.in");
  }
  plan.requirements = *list;
  const auto text = files.read(plan.requirements);
  if (!text) return fail(while_doing("install the client", text.error()));
  auto wanted = parse_requirements(*text, plan.requirements);
  if (!wanted) return fail(wanted.error());
  plan.wanted = std::move(*wanted);
  if (!wish.wheelhouse.empty()) {
    const auto wheels = files.list(wish.wheelhouse);
    if (!wheels) return fail(while_doing("install the client", wheels.error()));
  }
  const auto has_python = files.exists(python);
  if (!has_python || !*has_python) {
    return fail(Why::missing, "cannot install the client: there is no '" + std::string(python) + "'",
                "`apt install python3 python3-venv`");
  }
  const auto link = link_now(files);
  if (!link) return fail(link.error());
  const auto hash = digest(files, plan.requirements, 64, [](Bytes) { return true; });
  if (!hash) return fail(hash.error());
  const std::string name = "hf-" + hash->substr(0, 12);
  plan.directory = "/opt/fettle/" + name;
  const auto client = files.exists(plan.directory + "/bin/hf");
  if (*link == name && client && *client) return plan;
  plan.commands = commands_of(files, plan, wish);
  return plan;
}

Result<void> apply_install(const system::System& system, const InstallPlan& plan) {
  if (plan.commands.empty()) return {};
  if (auto made = system.files.make_directory("/opt/fettle", 0755); !made)
    return fail(while_doing("install the client", made.error()));
  for (const system::Command& command : plan.commands) {
    const auto done = system.runner.run(command);
    if (!done) return fail(while_doing("install the client", done.error()));
    if (done->exit_code != 0) return fail(failure(command, *done));
  }
  const system::Command asks{
      {system.files.host_path(plan.directory + "/bin/hf"), "version", "--format", "json"},
      environment(system.files, plan.directory),
      60s};
  const auto answer = system.runner.run(asks);
  if (!answer) return fail(while_doing("install the client", answer.error()));
  if (answer->exit_code != 0) return fail(failure(asks, *answer));
  const auto linked =
      system.files.set_link(client_link, plan.directory.substr(plan.directory.rfind('/') + 1));
  if (!linked) return fail(while_doing("install the client", linked.error()));
  return {};
}

}  // namespace fettle::shelf
