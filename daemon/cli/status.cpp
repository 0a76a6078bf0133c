// fettle status: what the daemon knows, for people, or with --json as the daemon says it.
#include <boost/json/serialize.hpp>
#include <chrono>
#include <ostream>

#include "base/json.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/status_frame.h"
#include "cli/status_page.h"
#include "cli/status_screen.h"
#include "cli/words.h"

namespace fettle::cli {
namespace {

constexpr int unknown_code = 3;  // plugin order: nobody could look

constexpr std::chrono::seconds each_time{1};

struct Shown {
  int code = unknown_code;
  std::string text;
};

Result<Shown> ask(Context& context, Client& client, std::size_t columns) {
  const auto status = client.json("/v1/status");
  if (!status) return fail(status.error());
  return Shown{exit_code_of(json_text(*status, "state")),
               context.format == Format::json ? boost::json::serialize(*status) + "\n"
                                              : status_page(*status, context.colour, columns)};
}

// The picture is drawn over the one before, until q. A daemon that is restarted meanwhile is said, and found
// again.
int watch(Context& context, Client& client) {
  StatusScreen screen(context.out);
  const std::string_view footer = screen.hears_keys() ? "q quits" : "Ctrl-C quits";
  while (true) {
    const ScreenSize size = screen.size();
    const auto shown = ask(context, client, size.columns);
    const std::string page =
        shown ? shown->text : no_status_page(shown.error(), context.colour, size.columns);
    screen.draw(status_frame(page, footer, size));
    if (screen.wait(each_time) == StatusScreen::Told::quit) return shown ? shown->code : unknown_code;
  }
}

// Where nothing can be drawn over: a page below the other, or with --json a line, until Ctrl-C.
[[noreturn]] void repeat(Context& context, Client& client) {
  if (context.format == Format::text) context.err << why_no_redraw(context.output);
  while (true) {
    const auto shown = ask(context, client, context.width);
    if (shown) {
      context.out << shown->text;
    } else {
      report(context, shown.error());
    }
    if (context.format == Format::text) context.out << '\n';
    context.out.flush();
    context.system.clock.sleep_for(each_time);
  }
}

}  // namespace

int run_status(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle status",
      "How the node stands. Ends with 0 when it is ready, 1 when it is starting or degraded, 2 when it "
      "failed, 3 when that is unknown or no daemon answers.");
  bool watches = false;
  words.flag("--watch", watches, "show it again each second, until q or Ctrl-C");
  if (const auto code = words.read(context, arguments)) return *code;
  Client client(context.system.files);
  if (watches && context.format == Format::text && context.output == Output::terminal)
    return watch(context, client);
  if (watches) repeat(context, client);
  const auto shown = ask(context, client, context.width);
  if (!shown) return report(context, shown.error(), unknown_code);
  context.out << shown->text;
  return shown->code;
}

}  // namespace fettle::cli
