#include "command_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace fettle {
namespace {

cli::Glyphs glyphs_of_locale() {
  for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale = value;
    const bool is_utf8 =
        locale.find("UTF-8") != std::string_view::npos || locale.find("utf8") != std::string_view::npos;
    return is_utf8 ? cli::Glyphs::unicode : cli::Glyphs::ascii;
  }
  return cli::Glyphs::ascii;
}

cli::Output kind_of_output() {
  if (::isatty(STDOUT_FILENO) != 1) return cli::Output::no_terminal;
  const char* const terminal = std::getenv("TERM");
  const bool is_able = terminal != nullptr && *terminal != '\0' && std::string_view(terminal) != "dumb";
  return is_able ? cli::Output::terminal : cli::Output::dumb;
}

cli::Colour colour_of(cli::Output output) {
  const char* const wish = std::getenv("NO_COLOR");  // no-color.org: present and not empty
  const bool is_wanted = wish == nullptr || *wish == '\0';
  return is_wanted && output == cli::Output::terminal ? cli::Colour::on : cli::Colour::off;
}

std::size_t width_of_output() {
  winsize size{};
  const bool is_known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : 80;
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, char** argv) {
  CommandLine line;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      line.format = cli::Format::json;
    } else if (word == "--root") {
      if (i + 1 == argc) return fail(Why::malformed, "'--root' needs a directory");
      line.root = argv[++i];
    } else {
      line.words.emplace_back(word);
    }
  }
  return line;
}

const cli::Command* find_command(std::span<const cli::Command> commands, std::string_view name) {
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const cli::Command& row) { return row.name == name; });
  return found == commands.end() ? nullptr : &*found;
}

int run_command(const cli::Command& command, const CommandLine& line) {
  const auto files = system::Files::open(line.root);
  if (!files) return usage_error(files.error().said);
  const auto runner = system::make_runner();
  system::RealClock clock;
  const cli::Output output = kind_of_output();
  cli::Context context{{*files, *runner, clock}, line.format,       std::cout,          std::cerr,
                       colour_of(output),        width_of_output(), glyphs_of_locale(), output};
  return command.run(context, {line.words.begin() + 1, line.words.end()});
}

int usage_error(const std::string& what) {
  std::cerr << "fettle: " << what << "\n  hint: `fettle --help` lists the commands\n";
  return cli::usage;
}

}  // namespace fettle
