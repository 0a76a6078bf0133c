// fettle wait: returns when the node, its cache, its GPUs or a shelf is ready, for scripts and for units.
#include <boost/json/array.hpp>
#include <cmath>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/status_page.h"
#include "cli/wait_goal.h"
#include "cli/words.h"

namespace fettle::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds between_questions{250};

// A restarted daemon is back in less than a second; nobody for so long is nobody.
constexpr seconds nobody_answers{10};

// Ten terabytes over a slow line take days, not weeks.
constexpr std::chrono::duration<unsigned> longest{604800};

struct Waited {
  std::vector<std::string> missing;
  milliseconds time{0};
};

int tell(Context& context, const Goal& goal, const Waited& waited) {
  const bool reached = waited.missing.empty();
  if (context.format == Format::json) {
    boost::json::array missing(waited.missing.begin(), waited.missing.end());
    context.out << pretty_json({{"api", 1},
                                {"for", to_text(goal)},
                                {"reached", reached},
                                {"milliseconds", waited.time.count()},
                                {"missing", std::move(missing)}});
  } else if (reached) {
    context.out << to_text(goal) << ": reached after " << time_text(duration_cast<seconds>(waited.time))
                << '\n';
  } else {
    context.err << "fettle: not reached after " << time_text(duration_cast<seconds>(waited.time)) << ": "
                << to_text(goal) << '\n';
    for (const std::string& what : waited.missing) context.err << "  missing: " << what << '\n';
    context.err << "  hint: `fettle status` shows the whole node\n";
  }
  return reached ? ok : try_later;
}

Result<Answered> ask(Client& client, const Goal& goal) {
  const auto reply = client.get("/v1/status");
  if (!reply) return fail(reply.error());
  if (reply->status != 200) return Answered{{"the daemon is too busy to answer"}, {}};
  const auto status = parse_json(reply->body, "the daemon's answer");
  if (!status) return fail(status.error());
  return missing_for(*status, goal);
}

int wait_for(Context& context, const Goal& goal, seconds timeout) {
  system::Clock& clock = context.system.clock;
  Client client(context.system.files);
  const auto began = clock.steady();
  auto answered_at = began;
  while (true) {
    const auto answered = ask(client, goal);
    const auto now = clock.steady();
    const auto waited = duration_cast<milliseconds>(now - began);
    if (answered) {
      answered_at = now;
      if (answered->never) return report(context, *answered->never, usage);
      if (answered->missing.empty() || waited >= timeout)
        return tell(context, goal, {answered->missing, waited});
    } else if (waited >= timeout || now - answered_at >= nobody_answers) {
      return report(context, answered.error(), unreachable);
    }
    clock.sleep_for(
        std::min<milliseconds>(between_questions, timeout - std::min<milliseconds>(waited, timeout)));
  }
}

}  // namespace

int run_wait(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle wait",
      "Waits until something is ready. Ends with 0 when it is, with 75 and what is missing when the time is "
      "over, with 69 when no daemon answers.");
  std::string what;
  unsigned timeout = longest.count();
  words.option("--for", what, "ready, cache, gpu or shelf=NAME").required();
  words.option("--timeout", timeout, "seconds; a week when not given").within(0U, unsigned{longest.count()});
  if (const auto code = words.read(context, arguments)) return *code;
  const auto goal = goal_of(what);
  if (!goal) return report(context, goal.error(), usage);
  return wait_for(context, *goal, seconds(timeout));
}

}  // namespace fettle::cli
