// fettle plan: everything that is not yet as the profile wants it, from drives to shelves. Writes nothing.
#include <ostream>

#include "app/provision.h"
#include "base/json.h"
#include "cli/arrangement.h"
#include "cli/commands.h"
#include "cli/phases.h"
#include "cli/storage_text.h"
#include "cli/words.h"
#include "env/plan.h"
#include "profile/load.h"
#include "shelf/report.h"

namespace fettle::cli {
namespace {

using Lines = std::vector<std::string>;

void add_directories(Lines& lines, const profile::Profile& profile, const system::Files& files) {
  if (!profile.cache) return;
  for (const profile::CacheDirectory& directory : profile.caches) {
    const std::string path = profile.cache->path + "/" + directory.name;
    const auto info = files.look(path);
    if (info && info->kind == system::Kind::directory && info->mode == directory.mode) continue;
    lines.push_back((info ? "mend the mode of '" : "make the directory '") + path + "'");
  }
}

void add_environment(Lines& lines, const profile::Profile& profile, const system::Files& files) {
  for (const env::File& file : env::plan(profile).files) {
    const auto now = files.read(file.path);
    if (!now || *now != file.content) lines.push_back("write '" + file.path + "'");
  }
}

void add_shelves(Lines& lines, const profile::Profile& profile, const system::Files& files) {
  for (const profile::Shelf& shelf : profile.shelves) {
    const auto report = shelf::read_report(files, shelf.name);
    if (!report || report->state != shelf::State::ready)
      lines.push_back("stage the shelf '" + shelf.name + "'");
  }
}

}  // namespace

int run_plan(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle plan",
      "Everything that is not yet as the profile wants it: drives, directories, environment, shelves.\n"
      "Writes nothing. `fettle apply` does it.");
  if (const auto code = words.read(context, arguments)) return *code;
  const auto loaded = profile::load(context.system.files);
  const app::Provisioned looked = app::look_at_storage(context.system);
  if (!loaded.profile || looked.came == app::Came::misconfigured) {
    const Error unknown{Why::malformed, "cannot use the configuration", "`fettle profile check FILE` tells"};
    return report(context, looked.error.value_or(unknown), bad_config);
  }
  Lines rest = arrangement_lines(*loaded.profile, context.system.files);
  add_directories(rest, *loaded.profile, context.system.files);
  add_environment(rest, *loaded.profile, context.system.files);
  add_shelves(rest, *loaded.profile, context.system.files);
  const bool is_empty = rest.empty() && looked.plan.steps.empty() && !looked.plan.refusal;
  if (context.format == Format::json) {
    context.out << pretty_json({{"empty", is_empty},
                                {"storage", storage::describe(looked.plan)},
                                {"steps", boost::json::array(rest.begin(), rest.end())}});
    return code_of(looked.came);
  }
  print_verdict(context.out, looked.plan);
  print_rivals(context.out, looked.plan, context.width);
  if (!looked.plan.steps.empty()) print_steps(context.out, looked.plan);
  if (!rest.empty()) context.out << "\nafter that, on the cache:\n";
  for (const std::string& line : rest) context.out << "  " << line << '\n';
  if (is_empty) context.out << "\nnothing to do\n";
  return code_of(looked.came);
}

}  // namespace fettle::cli
