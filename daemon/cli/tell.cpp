#include "cli/tell.h"

#include <ostream>

#include "base/json.h"
#include "cli/client.h"
#include "cli/terminal.h"

namespace fettle::cli {

int tell_daemon(Context& context, std::string_view target, const boost::json::value& body) {
  Client client(context.system.files);
  const auto answer = client.tell(target, body);
  if (!answer) {
    const Why why = answer.error().why;
    return report(context, answer.error(),
                  why == Why::denied    ? not_permitted
                  : why == Why::refused ? failed
                                        : unreachable);
  }
  if (context.format == Format::json) {
    context.out << pretty_json(*answer);
  } else {
    context.out << for_terminal(json_text(*answer, "says")) << '\n';
  }
  return ok;
}

}  // namespace fettle::cli
