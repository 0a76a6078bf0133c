// fettle stage SHELF: fetches, verifies and publishes one shelf; what fettle-stage@SHELF.service runs.
#include "shelf/stage.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "cli/commands.h"
#include "cli/shelves.h"
#include "profile/load.h"

namespace fettle::cli {

int run_stage(Context& context, const std::vector<std::string>& arguments) {
  CLI::App app{
      "Fetches what a shelf lacks, verifies every file against its hash, and publishes it.\n"
      "Exit codes: 0 ready, 2 failed or refused, 75 try later, 78 no such shelf.",
      "fettle stage"};
  std::string name;
  shelf::Options options;
  unsigned stall = static_cast<unsigned>(options.stall.count());
  unsigned insist = static_cast<unsigned>(shelf::usual_insistence.count());
  app.add_option("SHELF", name, "a shelf that the configuration or the profiles name")->required();
  app.add_option("--client", options.client, "path of the Hugging Face client `hf`");
  app.add_option("--stall", stall, "stop the client after so many seconds without a new byte")
      ->check(CLI::Range(1U, 86400U))
      ->capture_default_str();
  app.add_option("--insist", insist, "try at once again for so many seconds when the connection breaks")
      ->check(CLI::Range(0U, 86400U))
      ->capture_default_str();
  app.add_option("--workers", options.max_workers, "files that the client loads at a time")
      ->check(CLI::Range(1U, 64U))
      ->capture_default_str();
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    context.out << app.help();
    return ok;
  } catch (const CLI::ParseError& error) {
    return report(context, {Why::malformed, error.what(), "`fettle stage --help` tells more"}, usage);
  }
  options.stall = std::chrono::seconds(stall);
  options.insist = std::chrono::seconds(insist);
  const auto profile = load_profile(context);
  if (!profile) return report(context, profile.error(), bad_config);
  const auto wanted = find_shelf(*profile, name);
  if (!wanted) return report(context, wanted.error(), bad_config);
  return stage_shelf(context, *profile, *wanted, options);
}

}  // namespace fettle::cli
