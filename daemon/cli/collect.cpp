// fettle collect: what the timer runs as root for the daemon, and the children that it starts for it.
#include "app/collect.h"

#include <boost/json/array.hpp>
#include <ostream>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/phases.h"
#include "cli/words.h"
#include "collect/child.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

json::array to_array(const std::vector<collect::Looked>& looked) {
  json::array list;
  for (const collect::Looked& each : looked) {
    json::object item{{"what", each.what}, {"says", each.says}};
    if (each.error) item["error"] = {{"said", each.error->said}, {"hint", each.error->hint}};
    list.emplace_back(std::move(item));
  }
  return list;
}

void print(std::ostream& out, const std::vector<collect::Looked>& looked) {
  for (const collect::Looked& each : looked) {
    out << each.what << ": " << (each.error ? each.error->said : each.says) << '\n';
    if (each.error && !each.error->hint.empty()) out << "  hint: " << each.error->hint << '\n';
  }
  if (looked.empty()) out << "nothing is due\n";
}

}  // namespace

int run_collect(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle collect",
      "Writes to the cache and reads it back, asks the drives how they are, looks at the variables of what\n"
      "runs on the GPUs, and leaves what it found in /run/fettle/collect for the daemon. The timer\n"
      "fettle-collect.timer runs it. Nothing on the drives is changed but one file of a few MiB on the "
      "cache.");
  bool is_now = false;
  std::string probe;
  std::string at;
  std::string serial;
  std::string names;
  std::uint64_t bytes = 0;
  words.flag("--now", is_now, "look at everything, due or not");
  // For ourselves: what may hang runs in a child.
  const Word& probes = words.option("--probe", probe).among({"cache", "drive", "usage", "programs"}).hidden();
  words.option("--at", at).hidden().needs(probes);
  words.option("--bytes", bytes).hidden().needs(probes);
  words.option("--serial", serial).hidden().needs(probes);
  words.option("--names", names).hidden().needs(probes);
  if (const auto code = words.read(context, arguments)) return *code;
  if (!probe.empty()) {
    const json::object answer = probe == "cache"   ? collect::try_cache(context.system, at, Bytes{bytes})
                                : probe == "usage" ? collect::try_usage(context.system, at)
                                : probe == "programs"
                                    ? collect::look_at_programs(context.system, names)
                                    : collect::try_drive(context.system, at, Bytes{bytes}, serial);
    context.out << pretty_json(answer);
    return ok;
  }
  const app::Collected done = app::collect(context.system, is_now ? collect::When::now : collect::When::due);
  for (const profile::Complaint& complaint : done.complaints)
    context.err << profile::to_text(complaint) << '\n';
  if (done.error) return report(context, *done.error, code_of(done.came));
  if (context.format == Format::json) {
    context.out << pretty_json(to_array(done.looked));
  } else {
    print(context.out, done.looked);
  }
  return ok;
}

}  // namespace fettle::cli
