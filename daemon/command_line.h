// What fettle and fettle-node share: the global options, and running one sub-command with them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/command.h"

namespace fettle {

struct CommandLine {
  std::string root = "/";
  cli::Format format = cli::Format::text;
  std::vector<std::string> words;  // the sub-command and its arguments
};

// The global options stand anywhere: `fettle status --json` reads better than `fettle --json status`.
Result<CommandLine> parse_command_line(int argc, char** argv);

// The row of that name, or nothing.
const cli::Command* find_command(std::span<const cli::Command> commands, std::string_view name);

// Runs it on the machine below `line.root`; gives the exit code.
int run_command(const cli::Command& command, const CommandLine& line);

// Says what is wrong with the command line; gives the exit code for that.
int usage_error(const std::string& what);

}  // namespace fettle
