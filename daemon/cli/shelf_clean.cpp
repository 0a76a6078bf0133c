// fettle shelf gc|remove: what of the cache nobody needs; shown first, removed with --apply.
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/shelves.h"
#include "shelf/cleaning.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

std::string_view name_of(shelf::RemovalKind kind) {
  constexpr std::array names{std::string_view("ref"), std::string_view("revision"),
                             std::string_view("unfinished"), std::string_view("blob")};
  return names.at(static_cast<std::size_t>(kind));
}

void print_json(Context& context, const shelf::Cleaning& cleaning, bool applied) {
  json::array removals;
  for (const shelf::Removal& removal : cleaning.removals) {
    removals.push_back({{"kind", name_of(removal.kind)},
                        {"repository", removal.folder},
                        {"name", removal.name},
                        {"bytes", removal.bytes.count},
                        {"why", removal.why}});
  }
  json::array kept;
  for (const shelf::Kept& one : cleaning.kept) kept.push_back({{"path", one.path}, {"why", one.why}});
  context.out << pretty_json(json::object{{"removed", applied},
                                          {"bytes", cleaning.bytes.count},
                                          {"removals", std::move(removals)},
                                          {"kept", std::move(kept)}});
}

// Shows the proposal, or carries it out and shows what was done.
int finish(Context& context, const profile::Profile& profile, const ShelfWords& words,
           const shelf::Cleaning& proposal) {
  const shelf::Cleaning* shown = &proposal;
  shelf::Cleaning done;
  if (words.apply) {
    auto carried = shelf::carry_out(context.system, profile, proposal);
    if (!carried) return report(context, carried.error());
    done = std::move(*carried);
    for (const shelf::Kept& one : proposal.kept) done.kept.push_back(one);
    shown = &done;
  }
  if (context.format == Format::json) {
    print_json(context, *shown, words.apply);
    return ok;
  }
  for (const shelf::Removal& removal : shown->removals) {
    context.out << "  " << name_of(removal.kind) << " " << removal.folder << "/" << removal.name;
    if (removal.bytes.count > 0) context.out << ", " << to_text(removal.bytes);
    context.out << ": " << removal.why << '\n';
  }
  for (const shelf::Kept& one : shown->kept) context.out << "  kept " << one.path << ": " << one.why << '\n';
  if (shown->removals.empty()) {
    context.out << (words.apply ? "nothing was removed\n" : "nothing to remove\n");
  } else {
    context.out << (words.apply ? "removed " : "would remove ") << count_of(shown->removals.size(), "name")
                << ", " << to_text(shown->bytes) << (words.apply ? "\n" : "; --apply does it\n");
  }
  return ok;
}

}  // namespace

int gc_shelves(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  const auto proposal = shelf::propose_gc(context.system, profile,
                                          words.detached ? shelf::Detached::remove : shelf::Detached::keep);
  if (!proposal) return report(context, proposal.error());
  return finish(context, profile, words, *proposal);
}

int remove_shelf(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  for (const profile::Shelf& shelf : profile.shelves) {
    if (shelf.name != words.name) continue;
    return report(context,
                  {Why::refused,
                   "cannot remove '" + words.name + "': the configuration wants it, and would fetch it again",
                   "take it out of 'shelves' in /etc/fettle/fettle.yaml first"});
  }
  const auto proposal = shelf::propose_removal(context.system, profile, words.name);
  if (!proposal) return report(context, proposal.error());
  const int code = finish(context, profile, words, *proposal);
  if (code != ok || !words.apply) return code;
  if (auto forgotten = shelf::forget_shelf(context.system, words.name); !forgotten)
    return report(context, forgotten.error());
  return ok;
}

}  // namespace fettle::cli
