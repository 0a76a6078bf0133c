// fettle log: what the units of fettle wrote to the journal, through journalctl.
#include <algorithm>
#include <array>
#include <ostream>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/tell.h"
#include "cli/words.h"
#include "serve/requests.h"

namespace fettle::cli {
namespace {

// Every unit of the package: the daemon, and what provisions, stages, collects and trims.
constexpr std::array<std::string_view, 2> all_units{"fettled.service", "fettle-*"};

struct Wish {
  std::string unit;
  std::string since;
  std::string priority;
  std::string level;
  unsigned lines = 200;
  bool is_to_follow = false;
};

void describe(Words& words, Wish& wish) {
  const std::vector<std::string> levels(serve::log_levels.begin(), serve::log_levels.end());
  words.option("UNIT", wish.unit, "Only this unit, such as fettled, fettle-provision, fettle-stage@NAME");
  words
      .option("--since", wish.since,
              "From then on, as journalctl reads it: '1 hour ago', 2026-11-24, boot; "
              "boot is the default")
      .type_name("TIME");
  words.option("--priority", wish.priority, "Only what is at least so grave").among(levels);
  words.option("--lines", wish.lines, "At most the newest so many; 200 by default").within(1U, 100000U);
  words.flag("--follow", wish.is_to_follow, "Go on with what is written from now on, until Ctrl-C");
  words
      .option("--level", wish.level,
              "How much the daemon writes from now on, until it is restarted; for root and group fettle")
      .among(levels);
}

// Units of others are journalctl's business. No option can hide in a unit's name.
bool is_ours(std::string_view unit) {
  constexpr std::string_view beginning = "fettle";
  return unit.starts_with(beginning) &&
         std::none_of(unit.begin(), unit.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; });
}

system::Command command_of(const Wish& wish, const Context& context) {
  system::Command command{{"/usr/bin/journalctl", "--no-pager", "--quiet",
                           "--output=" + std::string(context.format == Format::json ? "json" : "short-iso"),
                           "--lines=" + std::to_string(wish.lines)},
                          {},
                          std::chrono::seconds(60)};
  const auto add = [&](std::string word) { command.argv.push_back(std::move(word)); };
  if (!context.system.files.is_the_machine()) add("--root=" + context.system.files.host_path("/"));
  if (wish.since.empty() || wish.since == "boot") {
    add("--boot");
  } else {
    add("--since=" + wish.since);
  }
  if (!wish.priority.empty())
    add("--priority=" + std::string(wish.priority == "error" ? "err" : wish.priority));
  if (wish.is_to_follow) add("--follow");
  if (wish.unit.empty()) {
    for (const std::string_view unit : all_units) add("--unit=" + std::string(unit));
  } else {
    add("--unit=" + wish.unit);
  }
  return command;
}

}  // namespace

int run_log(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle log",
      "What the units of fettle wrote to the journal in this boot, the newest last, with --json one object a "
      "line.");
  Wish wish;
  describe(words, wish);
  if (const auto code = words.read(context, arguments)) return *code;
  if (!wish.unit.empty() && !is_ours(wish.unit)) {
    return report(context,
                  {Why::malformed, "'" + wish.unit + "' is no unit of fettle",
                   "`journalctl --unit NAME` reads the journal of others"},
                  usage);
  }
  if (!wish.level.empty()) {
    if (arguments.size() > 2)
      return report(context,
                    {Why::malformed, "--level changes the daemon, and goes with nothing else",
                     "`fettle log --priority LEVEL` reads what is so grave"},
                    usage);
    return tell_daemon(context, "/v1/log-level", {{"level", wish.level}});
  }
  const auto told = wish.is_to_follow ? context.system.runner.replace_self(command_of(wish, context))
                                      : context.system.runner.run(command_of(wish, context));
  if (!told) {
    Error error = told.error();
    error.hint = "journalctl comes with systemd; without it, `fettle events` has what the daemon remembers";
    return report(context, error);
  }
  if (told->exit_code != 0) {
    return report(context,
                  {Why::failed,
                   "cannot read the journal: " + std::string(trim(told->err.empty() ? told->out : told->err)),
                   "root and members of systemd-journal may read it; `fettle events` needs no right"});
  }
  if (trim(told->out).empty() && context.format == Format::text)
    context.err << "nothing was written; `fettle log --since '1 week ago'` looks further back\n";
  context.out << told->out;
  return ok;
}

}  // namespace fettle::cli
