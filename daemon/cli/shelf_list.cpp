// fettle shelf list: the wanted shelves, and everything that lies in the cache, whoever put it there.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iomanip>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/shelves.h"
#include "shelf/inventory.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

json::object amount_json(const shelf::Amount& amount) {
  return {{"bytes", amount.bytes.count}, {"files", amount.files}};
}

json::object repository_json(const shelf::RepositorySummary& repository) {
  json::array revisions;
  for (const shelf::RevisionSummary& revision : repository.revisions) {
    revisions.push_back({{"commit", revision.commit},
                         {"refs", json::array(revision.refs.begin(), revision.refs.end())},
                         {"amount", amount_json(revision.amount)},
                         {"broken_links", revision.broken}});
  }
  return {{"type", repository.type},
          {"id", repository.id},
          {"amount", amount_json(repository.amount)},
          {"revisions", std::move(revisions)},
          {"shared", amount_json(repository.shared)},
          {"unfinished", amount_json(repository.unfinished)},
          {"unreferenced", amount_json(repository.unreferenced)},
          {"error", repository.error ? json::value(repository.error->said) : json::value(nullptr)}};
}

json::object inventory_json(const shelf::Inventory& inventory, const std::string& hub) {
  json::array repositories;
  for (const shelf::RepositorySummary& repository : inventory.repositories)
    repositories.push_back(repository_json(repository));
  return {{"path", hub},
          {"amount", amount_json(inventory.amount)},
          {"unfinished", amount_json(inventory.unfinished)},
          {"unreferenced", amount_json(inventory.unreferenced)},
          {"shared", amount_json(inventory.shared)},
          {"store", amount_json(inventory.store)},
          {"repositories", std::move(repositories)}};
}

// "main 0123abcd", "0123abcd" when nothing points at it.
std::string revisions_of(const shelf::RepositorySummary& repository) {
  std::string text;
  for (const shelf::RevisionSummary& revision : repository.revisions) {
    if (!text.empty()) text += ", ";
    for (const std::string& ref : revision.refs) text += ref + " ";
    text += revision.commit.substr(0, 8);
    if (revision.broken > 0) text += " (" + count_of(revision.broken, "file") + " missing)";
  }
  return text.empty() ? "no revision" : text;
}

std::string total_of(const shelf::Amount& amount) {
  return count_of(amount.files, "file") + ", " + to_text(amount.bytes);
}

void print_repositories(std::ostream& out, const shelf::Inventory& inventory, const std::string& hub) {
  out << "\ncache '" << hub << "': " << count_of(inventory.repositories.size(), "repository", "repositories")
      << ", " << total_of(inventory.amount) << '\n';
  std::size_t width = 0;
  for (const shelf::RepositorySummary& one : inventory.repositories) width = std::max(width, one.id.size());
  for (const shelf::RepositorySummary& one : inventory.repositories) {
    out << "  " << std::left << std::setw(static_cast<int>(width)) << one.id << std::right << std::setw(11)
        << to_text(one.amount.bytes) << std::setw(6) << one.amount.files << "  " << revisions_of(one);
    if (one.type != "model") out << ", " << one.type;
    if (one.shared.files > 0) out << ", shared " << total_of(one.shared);
    if (one.unfinished.files > 0) out << ", unfinished " << total_of(one.unfinished);
    if (one.unreferenced.files > 0) out << ", unreferenced " << total_of(one.unreferenced);
    if (one.error) out << ", unknown: " << one.error->said;
    out << '\n';
  }
  if (inventory.store.files > 0) {
    out << "  shared: " << total_of(inventory.shared)
        << " lie in the client's own store beside the repositories and count once here\n";
  }
  if (inventory.store.files > inventory.shared.files) {
    out << "  the store holds " << to_text(inventory.store.bytes - inventory.shared.bytes)
        << " that no repository has; `hf cache prune` removes them\n";
  }
  const std::uint64_t idle = inventory.unfinished.bytes.count + inventory.unreferenced.bytes.count;
  if (idle > 0) {
    out << "  unfinished or unreferenced: " << to_text(Bytes{idle})
        << "; `fettle shelf gc` tells what of it nobody needs\n";
  }
}

}  // namespace

int list_shelves(Context& context, const profile::Profile& profile, const ShelfWords&) {
  const auto reports = shelf::read_reports(context.system.files, profile);
  std::optional<Result<shelf::Inventory>> inventory;
  shelf::Layout layout;
  if (profile.cache) {
    layout.home = profile.cache->path + "/hf";
    inventory = shelf::take_inventory(context.system.files, layout, 0);
  }
  if (context.format == Format::json) {
    json::array shelves;
    for (const profile::Shelf& wanted : profile.shelves)
      shelves.push_back(report_json(reports.find(wanted.name)->second, wanted.name));
    json::object all{{"shelves", std::move(shelves)}, {"cache", nullptr}};
    if (inventory && *inventory) all["cache"] = inventory_json(**inventory, layout.hub());
    if (inventory && !*inventory) all["cache"] = {{"path", layout.hub()}, {"error", inventory->error().said}};
    context.out << pretty_json(all);
    return inventory && !*inventory ? failed : ok;
  }
  for (const profile::Shelf& wanted : profile.shelves) {
    const auto& report = reports.find(wanted.name)->second;
    context.out << wanted.name << "  " << (report ? shelf::to_text(report->state) : "unknown") << "  "
                << (report ? progress_of(*report) : "not reported since the boot") << '\n';
  }
  if (profile.shelves.empty()) context.out << "the configuration wants no shelf\n";
  if (!inventory) return ok;
  if (!*inventory) return report(context, inventory->error());
  print_repositories(context.out, **inventory, layout.hub());
  return ok;
}

}  // namespace fettle::cli
