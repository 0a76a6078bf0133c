#include "cli/command.h"

#include <ostream>

#include "base/json.h"

namespace fettle::cli {

int report(Context& context, const Error& error, int code) {
  if (context.format == Format::json) {
    const boost::json::value answer = {
        {"error", {{"why", to_text(error.why)}, {"said", error.said}, {"hint", error.hint}}}};
    context.out << pretty_json(answer);
  } else {
    context.err << "fettle: " << to_text(error) << '\n';
  }
  return code;
}

}  // namespace fettle::cli
