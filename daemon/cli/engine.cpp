// fettle engine: whether the inference engines of this node serve, as the daemon knows it; `watch` is what
// fettle-engine.service runs to find that out.
#include <boost/json/array.hpp>
#include <ostream>

#include "base/json.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "cli/words.h"
#include "engine/watch.h"
#include "profile/load.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

int show(Context& context) {
  Client client(context.system.files);
  const auto status = client.json("/v1/status");
  if (!status) return report(context, status.error(), unreachable);
  const json::array& engines = json_list(*status, "engines");
  if (context.format == Format::json) {
    context.out << pretty_json(engines);
    return ok;
  }
  if (engines.empty())
    context.out << "no engine is named: `engines:` in /etc/fettle/fettle.yaml makes them watched\n";
  for (const json::value& engine : engines) {
    context.out << for_terminal(json_text(engine, "name")) << "  " << json_text(engine, "state") << "  "
                << for_terminal(json_text(engine, "url"));
    for (const json::value& model : json_list(engine, "models"))
      context.out << "  " << (model.is_string() ? for_terminal(std::string(model.get_string())) : "?");
    context.out << '\n';
    for (const auto& [key, says] :
         {std::pair("served_at", "served since "), std::pair("token_at", "first token ")})
      if (const std::string at = json_text(engine, key); !at.empty())
        context.out << "  " << says << at << '\n';
  }
  return ok;
}

// Ends by a signal, or at once when there is nothing to watch.
int watch(Context& context, unsigned turns) {
  const profile::Loaded loaded = profile::load(context.system.files, profile::Tables::without_versions);
  if (!loaded.profile) {
    for (const profile::Complaint& complaint : loaded.complaints)
      context.err << profile::to_text(complaint) << '\n';
    return bad_config;
  }
  if (loaded.profile->engines.empty()) {
    context.out << "no engine is named in the configuration: nothing to watch\n";
    return ok;
  }
  for (unsigned turn = 1;; ++turn) {
    const auto wait = engine::turn(loaded.profile->engines, &engine::ask, context.system);
    if (!wait) return report(context, wait.error());
    if (turn == turns) return ok;
    context.system.clock.sleep_for(*wait);
  }
}

}  // namespace

int run_engine(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle engine",
      "Whether the inference engines that `engines:` of the configuration names serve, what, and since when "
      "in "
      "this boot.");
  unsigned turns = 0;
  Words& watching = words.verb("watch", "ask them, for the daemon; fettle-engine.service runs it");
  watching.option("--turns", turns, "End after so many turns; without it, never").within(1U, 1'000'000U);
  if (const auto code = words.read(context, arguments)) return *code;
  return watching.is_given() ? watch(context, turns) : show(context);
}

}  // namespace fettle::cli
