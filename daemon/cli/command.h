// Command: one sub-command of fettle, one file of this room. fettle.cpp holds the table.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "system/system.h"

namespace fettle::cli {

// Exit codes of verbs that act. Verbs that judge (status, check, ready) use the plugin order 0 ok, 1 warning,
// 2 critical, 3 unknown.
enum ExitCode : int {
  ok = 0,
  partial = 1,
  failed = 2,
  usage = 64,          // EX_USAGE
  unreachable = 69,    // EX_UNAVAILABLE: the daemon does not answer
  try_later = 75,      // EX_TEMPFAIL
  not_permitted = 77,  // EX_NOPERM
  bad_config = 78,     // EX_CONFIG
};

enum class Format { text, json };

// `on` only when the output is a terminal, and $NO_COLOR does not ask for none.
enum class Colour { off, on };

enum class Glyphs { ascii, unicode };

// What the output is: a file or pipe, a terminal that cannot move its cursor (TERM is dumb or not set), or
// one that can.
enum class Output { no_terminal, dumb, terminal };

struct Context {
  system::System system;
  Format format = Format::text;  // --json
  std::ostream& out;
  std::ostream& err;
  Colour colour = Colour::off;
  std::size_t width = 80;         // columns of the terminal; 80 when the output is none
  Glyphs glyphs = Glyphs::ascii;  // unicode when the locale says UTF-8
  Output output = Output::no_terminal;
};

// `arguments` are those after the sub-command's name, without the global options (--root DIR, --json).
using Run = int (*)(Context& context, const std::vector<std::string>& arguments);

struct Command {
  std::string_view name;
  std::string_view summary;  // one line of `fettle --help`
  Run run;
};

// Prints `fettle: said` and its hint on the error stream, or {"error": …} with --json; gives the exit code
// for it.
int report(Context& context, const Error& error, int code = failed);

}  // namespace fettle::cli
