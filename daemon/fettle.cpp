// fettle: the command line. What only asks the daemon is answered here, by a program that starts in a third
// of the time because it links none of the libraries of others; fettle-node does the rest.
// docs/decisions/0003 has the figures.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <iostream>
#include <string>

#include "cli/commands.h"
#include "command_line.h"

using namespace fettle;

namespace {

constexpr auto commands = std::to_array<cli::Command>({
    {"status", "", &cli::run_status},
    {"wait", "", &cli::run_wait},
    {"events", "", &cli::run_events},
    {"ledger", "", &cli::run_ledger},
    {"metrics", "", &cli::run_metrics},
    {"report", "", &cli::run_report},
    {"acknowledge", "", &cli::run_acknowledge},
});

// Beside this program in a build tree; below libexec where it is installed, also when /proc is not mounted.
std::string node_program() {
  std::array<char, PATH_MAX> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size() - 1);
  if (length > 0) {
    std::string path(self.data(), static_cast<std::size_t>(length));
    path.append("-node");
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return FETTLE_NODE_PROGRAM;
}

}  // namespace

int main(int argc, char** argv) {
  const auto line = parse_command_line(argc, argv);
  if (!line) return usage_error(line.error().said);
  if (!line->words.empty()) {
    if (line->words[0] == "--version") {
      std::cout << "fettle " FETTLE_VERSION "\n";
      return cli::ok;
    }
    if (const cli::Command* const command = find_command(commands, line->words[0]))
      return run_command(*command, *line);
  }
  const std::string program = node_program();
  ::execv(program.c_str(), argv);
  std::cerr << "fettle: cannot run '" << program << "': " << std::strerror(errno)
            << "\n  hint: it is part of the package: reinstall it\n";
  return cli::failed;
}
