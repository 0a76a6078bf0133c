// fettle storage: the drives, what is on each, and what an operator has done to them by hand.
#include <algorithm>
#include <ostream>

#include "app/order.h"
#include "base/json.h"
#include "base/utc.h"
#include "cli/arrangement.h"
#include "cli/commands.h"
#include "cli/phases.h"
#include "cli/storage_text.h"
#include "cli/words.h"
#include "storage/history.h"
#include "storage/report.h"

namespace fettle::cli {
namespace {

constexpr int history_shown = 20;

// Somebody who may not read the drives has seen nothing, which is no finding about them.
bool was_denied(const app::Provisioned& provisioned) {
  return std::any_of(provisioned.plan.drives.begin(), provisioned.plan.drives.end(),
                     [](const storage::PlannedDrive& planned) {
                       return planned.role == storage::Role::unreadable &&
                              planned.why.find(system_text(EACCES)) != std::string::npos;
                     });
}

// What ended before there was a plan to show, told; nothing when there is one.
std::optional<int> ended_early(Context& context, const app::Provisioned& looked) {
  if (looked.came == app::Came::misconfigured) {
    for (const profile::Complaint& complaint : looked.complaints)
      context.err << profile::to_text(complaint) << '\n';
    return report(context, *looked.error, bad_config);
  }
  if (was_denied(looked)) {
    return report(context, {Why::denied, "cannot read the drives: Permission denied", "run it as root"},
                  not_permitted);
  }
  return std::nullopt;
}

enum class Steps { hidden, shown };

int show(Context& context, Steps steps) {
  const app::Provisioned looked = app::look_at_storage(context.system);
  if (const auto code = ended_early(context, looked)) return *code;
  if (context.format == Format::json) {
    context.out << pretty_json(storage::describe(looked.plan));
  } else {
    print_verdict(context.out, looked.plan);
    print_drives(context.out, looked.plan, context.width);
    print_rivals(context.out, looked.plan, context.width);
    if (steps == Steps::shown) print_steps(context.out, looked.plan);
  }
  return looked.came == app::Came::well ? ok : failed;
}

// The command line that consents to exactly this plan.
std::string consenting(const app::Ordered& ordered, const std::string& command) {
  std::string line = command;
  const auto drives = storage::drives_written(ordered.provisioned.plan);
  if (!drives.empty()) line += " --drive";
  for (const std::string& serial : drives) line += " " + serial;
  return line + " --plan " + ordered.hash;
}

int dry_run(Context& context, storage::Verb verb) {
  const std::string command = "fettle storage " + std::string(storage::to_text(verb));
  const app::Ordered ordered = app::order(context.system, verb, std::nullopt);
  const app::Provisioned& looked = ordered.provisioned;
  if (const auto code = ended_early(context, looked)) return *code;
  const int code = code_of(looked.came);
  if (context.format == Format::json) {
    auto page = storage::describe(looked.plan);
    page["plan"] = ordered.hash;
    const auto drives = storage::drives_written(looked.plan);
    page["drives_written"] = boost::json::array(drives.begin(), drives.end());
    context.out << pretty_json(page);
    return code;
  }
  print_verdict(context.out, looked.plan);
  print_drives(context.out, looked.plan, context.width);
  print_rivals(context.out, looked.plan, context.width);
  print_steps(context.out, looked.plan, command);
  if (looked.plan.refusal || looked.plan.steps.empty()) return code;
  if (!looked.plan.emptied.empty()) context.out << "\nALL DATA OF THE CACHE IS LOST BY THIS.";
  context.out << "\nNothing was done yet. To do exactly this:\n\n  " << consenting(ordered, command) << '\n';
  return code;
}

int act(Context& context, storage::Verb verb, const storage::Consent& consent) {
  const app::Ordered ordered = app::order(context.system, verb, consent);
  const app::Provisioned& done = ordered.provisioned;
  if (const auto code = ended_early(context, done)) return *code;
  if (context.format == Format::json && !done.report.verdict.empty()) {
    context.out << storage::to_json(done.report);
    return code_of(done.came);
  }
  for (const storage::Applied& step : ordered.ending.steps) {
    context.out << "  " << to_text(step.outcome) << ": " << step.says << '\n';
  }
  if (done.error) return report(context, *done.error, code_of(done.came));
  if (verb == storage::Verb::release) {
    // Services that waited for the cache would not start any more.
    for (const storage::Arranged& one : take_arrangement_away(context.system)) {
      if (!one.says.empty()) context.out << "  " << to_text(one.outcome) << ": " << one.says << '\n';
    }
    context.out << "done. The next boot makes a new cache of blank drives, unless the profile says\n"
                   "`on_all_blank: report` or wants no drives any more.\n";
  } else {
    context.out << "done. `fettle apply` mounts the cache and fills its directories.\n";
  }
  return ok;
}

int show_history(Context& context) {
  const auto events = storage::history(context.system.files, history_shown);
  if (!events) {
    const bool is_denied = events.error().why == Why::denied;
    return report(context, events.error(), is_denied ? not_permitted : failed);
  }
  boost::json::array list;
  for (const store::Event& event : *events) {
    if (context.format == Format::json) {
      list.push_back({{"at", utc_text(event.at)}, {"says", event.says}});
    } else {
      context.out << utc_text(event.at) << "  " << printable(event.says) << '\n';
    }
  }
  if (context.format == Format::json) context.out << pretty_json({{"events", list}});
  return ok;
}

struct Order {
  storage::Verb verb;
  std::string_view summary;
};
constexpr Order orders[] = {
    {storage::Verb::apply, "make the cache, or take it over, also where the profile says `report`"},
    {storage::Verb::recreate, "empty the drives of our cache and make a new one; all its data is lost"},
    {storage::Verb::release, "empty the drives of our cache and leave them blank; all its data is lost"},
};

}  // namespace

int run_storage(Context& context, const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments.front() == "caches") {
    return run_caches(context, {arguments.begin() + 1, arguments.end()});
  }
  if (!arguments.empty() && arguments.front() == "bench") {
    return run_bench(context, {arguments.begin() + 1, arguments.end()});
  }
  if (!arguments.empty() && arguments.front() == "trim") {
    return run_trim(context, {arguments.begin() + 1, arguments.end()});
  }
  Words words(
      "fettle storage",
      "Shows the drives, what is on each, and why it is taken or not. Verbs that change drives are dry "
      "runs:\n"
      "they show their plan and the command that consents to it. Exit code 2: refused.");
  words.verb("show", "the drives and the verdict (the default)");
  const Words& plan =
      words.verb("plan", "also every step of provisioning, its command, and which drives it writes to");
  const Words& past = words.verb("history", "the verdicts of the last boots, with their evidence");
  words.verb("caches", "the directories of the cache, how full each is and how fast it grows");
  words.verb("bench", "how fast the cache and each of its drives are, in some seconds; leaves no file");
  words.verb("trim", "tell the drives which blocks of the cache hold nothing; loses no data");
  storage::Consent consent;
  std::vector<const Words*> asked;
  for (const Order& order : orders) {
    Words& verb = words.verb(std::string(storage::to_text(order.verb)), std::string(order.summary));
    verb.option("--plan", consent.plan, "do it: the hash that the dry run printed");
    verb.option("--drive", consent.drives, "serial number of every drive that is written to");
    asked.push_back(&verb);
  }
  words.takes_at_most_one_verb();
  if (const auto code = words.read(context, arguments)) return *code;
  if (past.is_given()) return show_history(context);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!asked[i]->is_given()) continue;
    if (!consent.plan.empty()) return act(context, orders[i].verb, consent);
    if (consent.drives.empty()) return dry_run(context, orders[i].verb);
    return report(context,
                  {Why::refused, "cannot act on drives without a plan",
                   "run it without `--drive` first: it prints the plan's hash"},
                  usage);
  }
  return show(context, plan.is_given() ? Steps::shown : Steps::hidden);
}

}  // namespace fettle::cli
