// fettle storage trim: tells the drives which blocks of the cache hold nothing; a timer runs it each week.
#include <ostream>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/shelves.h"
#include "cli/storage_text.h"
#include "cli/words.h"
#include "storage/trim.h"

namespace fettle::cli {
namespace {

int code_of(const Error& error) {
  if (error.why == Why::missing) return ok;  // a timer on every node: where there is no cache, all is well
  return error.why == Why::denied ? not_permitted : failed;
}

int act(Context& context, const system::Command& command, const std::string& path) {
  const auto start = context.system.clock.steady();
  const auto done = context.system.runner.run(command);
  if (!done) return report(context, while_doing("trim the cache", done.error()), failed);
  if (done->exit_code != 0) {
    return report(context,
                  {Why::failed,
                   "cannot trim '" + path + "': fstrim ended with " + std::to_string(done->exit_code) + ": " +
                       printable(done->err),
                   "run it as root; drives that take no discards need no trim"},
                  failed);
  }
  const auto took = std::chrono::duration_cast<std::chrono::seconds>(context.system.clock.steady() - start);
  if (context.format == Format::json) {
    context.out << pretty_json({{"path", path}, {"seconds", took.count()}});
  } else {
    context.out << "trimmed " << path << " in " << took.count() << " s\n";
  }
  return ok;
}

}  // namespace

int run_trim(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle storage trim",
      "Tells the drives which blocks of the cache hold nothing, so that they stay fast. Loses no data.\n"
      "fettle-trim.timer runs it each week.");
  bool is_dry = false;
  words.flag("--dry-run", is_dry, "Print the command instead of running it");
  if (const auto code = words.read(context, arguments)) return *code;
  const auto profile = load_profile(context);
  if (!profile) return report(context, profile.error(), bad_config);
  const auto command = storage::trim(*profile, facts::gather(context.system.files),
                                     storage::read_report(context.system.files));
  if (!command) return report(context, command.error(), code_of(command.error()));
  if (!is_dry) return act(context, *command, profile->cache->path);
  context.out << to_text(*command) << '\n';
  return ok;
}

}  // namespace fettle::cli
