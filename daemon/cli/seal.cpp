// fettle seal: takes what belongs to this machine alone out of a root file system that becomes an image.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/names.h"
#include "cli/commands.h"
#include "cli/words.h"
#include "profile/load.h"
#include "seal/seal.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

// Sealing must not need a right configuration: an image may get its own at first boot.
std::string path_of_cache(const system::Files& files) {
  const auto loaded = profile::load(files, profile::Tables::without_versions);
  if (!loaded.profile || !loaded.profile->cache) return std::string(names::default_mount);
  return loaded.profile->cache->path;
}

json::array to_json(const std::vector<seal::Reminder>& reminders) {
  json::array all;
  for (const seal::Reminder& reminder : reminders)
    all.emplace_back(json::object{{"path", reminder.path}, {"says", reminder.says}});
  return all;
}

void print(std::ostream& out, const std::vector<seal::Reminder>& reminders) {
  if (reminders.empty()) return;
  out << "\nleft to you, before the image is made:\n";
  for (const seal::Reminder& reminder : reminders)
    out << "  " << reminder.path << "\n      " << reminder.says << '\n';
}

int check(Context& context, const seal::Found& found) {
  if (!found.leftovers) return report(context, found.leftovers.error(), 3);
  const bool is_sealed = found.leftovers->empty() && found.in_the_way.empty();
  if (context.format == Format::json) {
    json::array left;
    for (const seal::Leftover& leftover : *found.leftovers)
      left.emplace_back(json::object{{"path", leftover.path}, {"what", leftover.what}});
    json::array in_the_way;
    for (const Error& error : found.in_the_way) in_the_way.emplace_back(error.said);
    context.out << pretty_json({{"sealed", is_sealed},
                                {"left", std::move(left)},
                                {"in_the_way", std::move(in_the_way)},
                                {"reminders", to_json(found.reminders)}});
    return is_sealed ? ok : partial;
  }
  for (const Error& error : found.in_the_way) context.out << fettle::to_text(error) << '\n';
  for (const seal::Leftover& leftover : *found.leftovers)
    context.out << "left     " << leftover.path << ": " << leftover.what << '\n';
  context.out << (is_sealed ? "sealed: nothing of fettle's here belongs to one machine\n"
                            : "not sealed: `fettle seal` does it\n");
  print(context.out, found.reminders);
  return is_sealed ? ok : partial;
}

int act(Context& context, const seal::Found& found) {
  const auto plan = seal::plan(context.system.files, found);
  if (!plan) return report(context, plan.error());
  const auto removed = seal::apply(*plan, context.system);
  if (!removed) return report(context, removed.error());
  const bool any_failed = std::any_of(removed->begin(), removed->end(), [](const seal::Removed& one) {
    return one.outcome == Outcome::failed;
  });
  if (context.format == Format::json) {
    json::array all;
    for (const seal::Removed& one : *removed) {
      all.emplace_back(json::object{{"path", one.path},
                                    {"what", one.what},
                                    {"outcome", fettle::to_text(one.outcome)},
                                    {"said", one.error.said}});
    }
    context.out << pretty_json(
        {{"sealed", !any_failed}, {"removed", std::move(all)}, {"reminders", to_json(found.reminders)}});
    return any_failed ? failed : ok;
  }
  for (const seal::Removed& one : *removed) {
    if (one.outcome == Outcome::failed) {
      context.err << "fettle: " << fettle::to_text(one.error) << '\n';
    } else {
      context.out << "removed  " << one.path << ": " << one.what << '\n';
    }
  }
  context.out << (any_failed         ? "not sealed: something could not be removed\n"
                  : removed->empty() ? "sealed already: nothing of fettle's here belongs to one machine\n"
                                     : "sealed: the next machine of this image begins anew\n");
  print(context.out, found.reminders);
  return any_failed ? failed : ok;
}

}  // namespace

int run_seal(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle seal",
      "Takes what belongs to this machine alone out of a root file system that is to become an image: which\n"
      "drives it may use, what happened on it, what it staged, its tokens. Configuration and profiles stay.\n"
      "Refuses while the cache is mounted or a unit of fettle is at work; stops the daemon.\n"
      "Exit code: 0 sealed, 2 not; with --check 1 when something is left, 3 when that could not be told.");
  bool is_check = false;
  words.flag("--check", is_check, "Change nothing: is it sealed?");
  if (const auto code = words.read(context, arguments)) return *code;
  const auto found = seal::look(context.system, path_of_cache(context.system.files));
  return is_check ? check(context, found) : act(context, found);
}

}  // namespace fettle::cli
