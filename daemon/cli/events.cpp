// fettle events: what happened on this node, and with --follow what happens.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/words.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

void print(Context& context, const json::value& event) {
  if (context.format == Format::json) {
    context.out << json::serialize(event) << '\n';  // a line each, so that a stream can be read
  } else {
    context.out << json_text(event, "at") << "  " << for_terminal(json_text(event, "subject")) << "  "
                << for_terminal(json_text(event, "says")) << '\n';
  }
}

// Until Ctrl-C. A daemon that is restarted meanwhile is said, and nothing is missed.
[[noreturn]] void follow(Context& context, Client& client) {
  std::int64_t last_id = 0;
  while (true) {
    const auto ended = client.follow(last_id, [&](const json::value& event) {
      print(context, event);
      context.out.flush();
      return true;
    });
    if (ended) {
      context.err << "fettle: the daemon ended the stream, retrying in 1 s\n";
    } else {
      report(context, ended.error());
    }
    context.system.clock.sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace

int run_events(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle events",
      "What happened on this node: changes of checks, shelves and of the node's state. With --json a line "
      "each.");
  bool follows = false;
  words.flag("--follow", follows, "go on with each event as it comes, until Ctrl-C");
  if (const auto code = words.read(context, arguments)) return *code;
  Client client(context.system.files);
  if (follows) follow(context, client);
  const auto page = client.json("/v1/events");
  if (!page) return report(context, page.error(), unreachable);
  const json::value* const events = json_field(*page, "events");
  if (events == nullptr || !events->is_array())
    return report(context, {Why::malformed, "cannot read the daemon's answer: it has no events", {}});
  for (const json::value& event : events->get_array()) print(context, event);
  return ok;
}

}  // namespace fettle::cli
