// fettle-node: every sub-command of fettle. `fettle` answers what only asks the daemon, and runs this for the
// rest.
#include <algorithm>
#include <array>
#include <iostream>
#include <string>

#include "cli/commands.h"
#include "command_line.h"

using namespace fettle;

namespace {

constexpr auto commands = std::to_array<cli::Command>({
    {"status", "how the node stands: state, cache, GPUs, shelves, findings", &cli::run_status},
    {"wait", "returns when the node, its cache, its GPUs or a shelf is ready", &cli::run_wait},
    {"events", "what happened on this node; --follow goes on", &cli::run_events},
    {"ledger", "when this boot reached each stage, and what that cost", &cli::run_ledger},
    {"metrics", "the metrics of the daemon, printed or left as a file for node_exporter", &cli::run_metrics},
    {"report", "all of it as one page for a browser", &cli::run_report},
    {"log", "what the units wrote to the journal", &cli::run_log},
    {"acknowledge", "say that a finding is known, for a time and a reason", &cli::run_acknowledge},
    {"check", "look at this node here and now, without the daemon", &cli::run_check},
    {"capture", "this node as an archive of what is read of it, without its names", &cli::run_capture},
    {"compat", "which system, kernel, driver and ROCm go together; what if", &cli::run_compat},
    {"host", "settings of the host: wanted, found, who set them; apply, revert", &cli::run_host},
    {"plan", "everything that is not yet as the profile wants it", &cli::run_plan},
    {"apply", "do what the plan says; what the units do at boot", &cli::run_apply},
    {"storage", "the drives, what is on each, and what would be done", &cli::run_storage},
    {"engine", "whether the inference engines of this node serve, and since when", &cli::run_engine},
    {"env", "the environment the profile asks for, and where it is delivered", &cli::run_env},
    {"models", "what is known of models, and what an engine needs for each", &cli::run_models},
    {"ready", "can this node serve a model now, and what is missing", &cli::run_ready},
    {"run-line", "the complete command that serves a model in a container", &cli::run_run_line},
    {"jit", "compiled code of images: list, seed, export, import, prune", &cli::run_jit},
    {"shelf", "the model shelves: list, stage, watch, verify, lock, adopt, gc and more", &cli::run_shelf},
    {"images", "the container images that are wanted: list, pull", &cli::run_images},
    {"seal", "take what belongs to this machine out of an image", &cli::run_seal},
    {"profile", "what is wanted of this node, and every mistake in saying so", &cli::run_profile},
    {"inventory", "the nodes of a fleet, for Ansible or Prometheus", &cli::run_inventory},
    {"provision", "one phase of making the cache; the units run it at boot", &cli::run_provision},
    {"generator", "the units of a cache elsewhere than /srv/fettle; systemd runs it", &cli::run_generator},
    {"collect", "try the cache and the drives for the daemon; a timer runs it", &cli::run_collect},
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

}  // namespace

int main(int argc, char** argv) {
  const auto line = parse_command_line(argc, argv);
  if (!line) return usage_error(line.error().said);
  const auto& words = line->words;
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print_help(std::cout);
    return words.empty() ? cli::usage : cli::ok;
  }
  const cli::Command* const command = find_command(commands, words[0]);
  if (command == nullptr) return usage_error("there is no command '" + words[0] + "'");
  return run_command(*command, *line);
}
