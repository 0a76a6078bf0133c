// fettle acknowledge: a finding is known as it is now, for a time and a reason. It keeps its status, and
// counts anew as soon as it gets worse or says something else.
#include <boost/json/array.hpp>
#include <ostream>

#include "base/json.h"
#include "cli/amount_text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/tell.h"
#include "cli/terminal.h"
#include "cli/words.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

struct Wish {
  std::string check;
  std::string time;
  std::string because;
  bool lists = false;
  bool withdraws = false;
};

void describe(Words& words, Wish& wish) {
  words.option("CHECK", wish.check, "The finding, such as gpu.pcie");
  words.option("--for", wish.time, "How long: 30min, 8h, 2d; at most 30 days").type_name("TIME");
  words.option("--because", wish.because, "Why it may be so, for whoever comes next").type_name("TEXT");
  words.flag("--list", wish.lists, "Print what is acknowledged");
  words.flag("--withdraw", wish.withdraws, "It is not known any more");
}

// What the words do not say, or say twice; nothing when they are one wish.
std::optional<Error> mistake_in(const Wish& wish) {
  const bool is_timed = !wish.time.empty() || !wish.because.empty();
  if (wish.lists && (wish.withdraws || is_timed || !wish.check.empty()))
    return Error{Why::malformed, "--list stands alone", {}};
  if (wish.lists) return std::nullopt;
  if (wish.check.empty())
    return Error{Why::malformed, "no finding is named", "`fettle status` shows them; --list what is known"};
  if (wish.withdraws && is_timed)
    return Error{Why::malformed, "--withdraw needs neither a time nor a reason", {}};
  if (!wish.withdraws && (wish.time.empty() || wish.because.empty())) {
    return Error{Why::malformed, "for how long, and why?",
                 "fettle acknowledge " + wish.check + " --for 8h --because \"the card is ordered\""};
  }
  return std::nullopt;
}

int list(Context& context) {
  Client client(context.system.files);
  const auto answer = client.json("/v1/acknowledged");
  if (!answer) return report(context, answer.error(), unreachable);
  if (context.format == Format::json) {
    context.out << pretty_json(*answer);
    return ok;
  }
  const json::array& all = json_list(*answer, "acknowledgements");
  if (all.empty()) context.out << "nothing is acknowledged\n";
  for (const json::value& each : all) {
    const json::value* const covers = json_field(each, "covers");
    const auto text = [&](std::string_view key) { return for_terminal(json_text(each, key)); };
    context.out << text("check") << "  " << text("status") << " until " << text("until") << " by "
                << text("by") << ": " << text("because") << "\n  it said: " << text("says") << '\n';
    if (covers != nullptr && covers->is_bool() && !covers->get_bool())
      context.out << "  holds for nothing now: the finding passes, got worse or says something else\n";
  }
  return ok;
}

}  // namespace

int run_acknowledge(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle acknowledge",
      "Says that a finding is known as it is now. It keeps its status, and is marked until the time is over, "
      "it "
      "gets worse, or it says something else. For root and group fettle.");
  Wish wish;
  describe(words, wish);
  if (const auto code = words.read(context, arguments)) return *code;
  if (const auto error = mistake_in(wish)) return report(context, *error, usage);
  if (wish.lists) return list(context);
  if (wish.withdraws) return tell_daemon(context, "/v1/withdraw", {{"check", wish.check}});
  const auto time = parse_duration(wish.time);
  if (!time) return report(context, time.error(), usage);
  return tell_daemon(context, "/v1/acknowledge",
                     {{"check", wish.check}, {"for_seconds", time->count()}, {"because", wish.because}});
}

}  // namespace fettle::cli
