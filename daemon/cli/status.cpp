// fettle status: what the daemon knows, for people, or with --json as the daemon says it.
#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "base/json.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/status_page.h"

namespace fettle::cli {
namespace {

constexpr int unknown_code = 3;  // plugin order: nobody could look

// Back to the top left, and everything below cleared, so that nothing flickers.
constexpr std::string_view redraw = "\x1B[H\x1B[J";

struct Shown {
  int code = unknown_code;
  std::string text;
};

Result<Shown> ask(Context& context, Client& client) {
  const auto status = client.json("/v1/status");
  if (!status) return fail(status.error());
  return Shown{exit_code_of(json_text(*status, "state")), context.format == Format::json
                                                              ? boost::json::serialize(*status) + "\n"
                                                              : status_page(*status, context.colour)};
}

// Until Ctrl-C. A daemon that is restarted meanwhile is said, and found again.
[[noreturn]] void watch(Context& context, Client& client) {
  const bool redraws = context.format == Format::text && context.colour == Colour::on;
  while (true) {
    const auto shown = ask(context, client);
    if (redraws) context.out << redraw;
    if (shown) {
      context.out << shown->text;
    } else {
      report(context, shown.error());
    }
    if (!redraws && context.format == Format::text) context.out << '\n';
    context.out.flush();
    context.system.clock.sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace

int run_status(Context& context, const std::vector<std::string>& arguments) {
  CLI::App app(
      "How the node stands. Ends with 0 when it is ready, 1 when it is starting or degraded, 2 when it "
      "failed, 3 when that is unknown or no daemon answers.",
      "fettle status");
  bool watches = false;
  app.add_flag("--watch", watches, "show it again each second, until Ctrl-C");
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return app.exit(error, context.out, context.err) == 0 ? ok : usage;
  }
  Client client(context.system.files);
  if (watches) watch(context, client);
  const auto shown = ask(context, client);
  if (!shown) return report(context, shown.error(), unknown_code);
  context.out << shown->text;
  return shown->code;
}

}  // namespace fettle::cli
