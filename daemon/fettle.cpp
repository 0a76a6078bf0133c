// fettle: the command line. Arguments and exit codes only; each sub-command lives in cli/.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"

using namespace fettle;

namespace {

// In the order in which one needs them.
constexpr auto commands = std::to_array<cli::Command>({
    {"status", "how the node stands: state, cache, GPUs, shelves, findings", &cli::run_status},
    {"wait", "returns when the node, its cache, its GPUs or a shelf is ready", &cli::run_wait},
    {"check", "look at this node here and now, without the daemon", &cli::run_check},
    {"plan", "everything that is not yet as the profile wants it", &cli::run_plan},
    {"apply", "do what the plan says; what the units do at boot", &cli::run_apply},
    {"storage", "the drives, what is on each, and what would be done", &cli::run_storage},
    {"env", "the environment the profile asks for, and where it is delivered", &cli::run_env},
    {"shelf", "the model shelves: list, show, verify, export, import", &cli::run_shelf},
    {"profile", "what is wanted of this node, and every mistake in saying so", &cli::run_profile},
    {"provision", "one phase of making the cache; the units run it at boot", &cli::run_provision},
    {"stage", "fetch, verify and publish one shelf; the units run it", &cli::run_stage},
});

void print_help(std::ostream& out) {
  out << "fettle makes a node ready to serve models, and tells how it stands.\n\n"
         "usage: fettle [--root DIR] [--json] COMMAND [ARGUMENT…]\n\n";
  for (const cli::Command& command : commands) {
    out << "  " << command.name << std::string(12 - std::min<std::size_t>(11, command.name.size()), ' ')
        << command.summary << '\n';
  }
  out << "\n  --root DIR  act on a captured machine below DIR instead of on this one\n"
         "  --json      answer for machines\n"
         "  --version   print the version\n\n"
         "`fettle COMMAND --help` tells more; so does fettle(1).\n";
}

cli::Colour colour_of_output() {
  const char* const wish = std::getenv("NO_COLOR");  // no-color.org: present and not empty
  const char* const terminal = std::getenv("TERM");
  const bool is_wanted = wish == nullptr || *wish == '\0';
  const bool is_able =
      terminal != nullptr && std::string_view(terminal) != "dumb" && ::isatty(STDOUT_FILENO) == 1;
  return is_wanted && is_able ? cli::Colour::on : cli::Colour::off;
}

int usage_error(const std::string& what) {
  std::cerr << "fettle: " << what << "\n  hint: `fettle --help` lists the commands\n";
  return cli::usage;
}

}  // namespace

int main(int argc, char** argv) {
  std::string root = "/";
  cli::Format format = cli::Format::text;
  std::vector<std::string> words;
  // The two global options stand anywhere: `fettle status --json` reads better than `fettle --json status`.
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      format = cli::Format::json;
    } else if (word == "--root") {
      if (i + 1 == argc) return usage_error("'--root' needs a directory");
      root = argv[++i];
    } else {
      words.emplace_back(word);
    }
  }
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print_help(std::cout);
    return words.empty() ? cli::usage : cli::ok;
  }
  if (words[0] == "--version") {
    std::cout << "fettle " FETTLE_VERSION "\n";
    return cli::ok;
  }
  const auto* const command = std::find_if(commands.begin(), commands.end(),
                                           [&](const cli::Command& row) { return row.name == words[0]; });
  if (command == commands.end()) return usage_error("there is no command '" + words[0] + "'");

  const auto files = system::Files::open(root);
  const auto runner = system::make_runner();
  system::RealClock clock;
  if (!files) return usage_error(files.error().said);
  cli::Context context{{*files, *runner, clock}, format, std::cout, std::cerr, colour_of_output()};
  return command->run(context, {words.begin() + 1, words.end()});
}
