// fettle stage SHELF: fetches, verifies and publishes one shelf; what fettle-stage@SHELF.service runs.
#include "shelf/stage.h"

#include <algorithm>
#include <ostream>

#include "cli/commands.h"
#include "cli/shelves.h"
#include "cli/words.h"
#include "profile/load.h"

namespace fettle::cli {

int run_stage(Context& context, const std::vector<std::string>& arguments) {
  Words words("fettle stage",
              "Fetches what a shelf lacks, verifies every file against its hash, and publishes it.\n"
              "Exit codes: 0 ready, 2 failed or refused, 75 try later, 78 no such shelf.");
  std::string name;
  shelf::Options options;
  unsigned stall = static_cast<unsigned>(options.stall.count());
  unsigned insist = static_cast<unsigned>(shelf::usual_insistence.count());
  words.option("SHELF", name, "a shelf that the configuration or the profiles name").required();
  words.option("--client", options.client, "path of the Hugging Face client `hf`");
  words.option("--stall", stall, "stop the client after so many seconds without a new byte")
      .within(1U, 86400U)
      .shows_default(std::to_string(stall));
  words.option("--insist", insist, "try at once again for so many seconds when the connection breaks")
      .within(0U, 86400U)
      .shows_default(std::to_string(insist));
  words.option("--workers", options.max_workers, "files that the client loads at a time")
      .within(1U, 64U)
      .shows_default(std::to_string(options.max_workers));
  if (const auto code = words.read(context, arguments, Mistakes::as_error)) return *code;
  options.stall = std::chrono::seconds(stall);
  options.insist = std::chrono::seconds(insist);
  const auto profile = load_profile(context);
  if (!profile) return report(context, profile.error(), bad_config);
  const auto wanted = find_shelf(*profile, name);
  if (!wanted) return report(context, wanted.error(), bad_config);
  return stage_shelf(context, *profile, *wanted, options);
}

}  // namespace fettle::cli
