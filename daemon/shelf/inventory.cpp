#include "shelf/inventory.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <tuple>

#include "archive/entry.h"
#include "base/text.h"
#include "system/directory.h"

namespace fettle::shelf {
namespace {

using system::Directory;
using system::Kind;

constexpr unsigned most_threads = 8;
// The hub allows deep folders; a tree that is deeper than this was made to hurt.
constexpr unsigned deepest = 32;

struct Type {
  std::string_view prefix;
  std::string_view name;
};
constexpr std::array types{Type{"models--", "model"}, Type{"datasets--", "dataset"},
                           Type{"spaces--", "space"}};

// "owner--name" -> "owner/name"; old repositories have no owner.
std::string id_of(std::string_view rest) {
  const auto dashes = rest.find("--");
  if (dashes == std::string_view::npos) return std::string(rest);
  return std::string(rest.substr(0, dashes)).append("/").append(rest.substr(dashes + 2));
}

// Looks at one repository; what cannot be looked at ends in its error.
class Look {
 public:
  explicit Look(FoundRepository& found) : found_(found) {}

  void all(const Directory& hub) {
    const auto repository = hub.open(found_.folder);
    if (!repository) return note(repository.error());
    hub_ = &hub;
    blobs(*repository);
    snapshots(*repository);
    refs(*repository);
  }

 private:
  void note(const Error& error) {
    if (!found_.error) found_.error = error;
  }

  // The directory, or nothing when there is none.
  std::optional<Directory> below(const Directory& parent, std::string_view name) {
    auto there = parent.open(name);
    if (there) return std::move(*there);
    if (there.error().why != Why::missing) note(there.error());
    return std::nullopt;
  }

  void each(const Directory& directory, const std::function<void(const Directory::Entry&)>& visit) {
    if (const auto listed = directory.each(visit); !listed) note(listed.error());
  }

  void blobs(const Directory& repository) {
    const auto directory = below(repository, "blobs");
    if (!directory) return;
    constexpr std::string_view incomplete = ".incomplete";
    each(*directory, [&](const Directory::Entry& entry) {
      const auto info = directory->look(entry.name);
      if (!info) {
        // A client gives files their final names meanwhile.
        if (info.error().why != Why::missing) note(info.error());
        return;
      }
      if (info->kind == Kind::link) return shared(*directory, entry.name);
      if (info->kind != Kind::file) return;
      (entry.name.ends_with(incomplete) ? found_.unfinished : found_.blobs)
          .push_back({std::string(entry.name), *info, 0, {}});
    });
    std::sort(found_.blobs.begin(), found_.blobs.end(),
              [](const FoundBlob& a, const FoundBlob& b) { return a.name < b.name; });
  }

  // A blob that is a link into the client's store; any other link is none.
  void shared(const Directory& blobs, std::string_view name) {
    const auto target = blobs.read_link(name);
    const auto entry = target ? store_entry(*target) : std::nullopt;
    if (!entry) return;
    const auto info = look_at_entry(*hub_, *entry);
    if (info && info->kind == Kind::file) found_.blobs.push_back({std::string(name), *info, 0, *entry});
  }

  void snapshots(const Directory& repository) {
    const auto directory = below(repository, "snapshots");
    if (!directory) return;
    each(*directory, [&](const Directory::Entry& entry) {
      if (entry.kind != Kind::directory && entry.kind != Kind::other) return;
      const auto revision = below(*directory, entry.name);
      if (!revision) return;
      found_.revisions.push_back({std::string(entry.name), {}, {}, {}, 0});
      seen_.assign(found_.blobs.size(), false);
      files(*revision, "", 0);
    });
    std::sort(found_.revisions.begin(), found_.revisions.end(),
              [](const FoundRevision& a, const FoundRevision& b) { return a.commit < b.commit; });
  }

  void files(const Directory& directory, const std::string& prefix, unsigned depth) {
    if (depth > deepest) {
      return note(
          {Why::malformed, "cannot look below '" + directory.path() + "': the folders are too deep", {}});
    }
    std::vector<std::string> folders;
    each(directory, [&](const Directory::Entry& entry) {
      if (entry.kind == Kind::directory) {
        folders.emplace_back(entry.name);
      } else {
        file(directory, prefix, entry);
      }
    });
    for (const std::string& folder : folders) {
      if (const auto there = below(directory, folder)) files(*there, prefix + folder + "/", depth + 1);
    }
  }

  void file(const Directory& directory, const std::string& prefix, const Directory::Entry& entry) {
    FoundRevision& revision = found_.revisions.back();
    revision.links.push_back({prefix + std::string(entry.name), {}});
    const auto target = directory.read_link(entry.name);
    if (!target) {
      // A file of its own: some tools copy where they cannot link.
      const auto info = directory.look(entry.name);
      if (!info) return note(info.error());
      revision.amount.bytes += info->size;
      ++revision.amount.files;
      return;
    }
    const std::string_view name = std::string_view(*target).substr(target->find_last_of('/') + 1);
    const auto blob =
        std::lower_bound(found_.blobs.begin(), found_.blobs.end(), name,
                         [](const FoundBlob& one, std::string_view key) { return one.name < key; });
    if (blob == found_.blobs.end() || blob->name != name) {
      ++revision.broken;
      return;
    }
    revision.links.back().blob = blob->name;
    ++blob->links;
    const auto index = static_cast<std::size_t>(blob - found_.blobs.begin());
    if (seen_[index]) return;
    seen_[index] = true;
    revision.amount.bytes += blob->info.size;
    ++revision.amount.files;
  }

  void refs(const Directory& repository) {
    if (const auto directory = below(repository, "refs")) refs_in(*directory, "", 0);
  }

  // "main", and "pr/1" in a folder.
  void refs_in(const Directory& directory, const std::string& prefix, unsigned depth) {
    if (depth > deepest) return;
    std::vector<std::string> folders;
    each(directory, [&](const Directory::Entry& entry) {
      if (entry.kind == Kind::directory) return folders.emplace_back(entry.name), void();
      if (entry.kind != Kind::file || entry.name.front() == '.') return;
      const auto commit = directory.read(entry.name, 64);
      if (!commit) return note(commit.error());
      const auto revision =
          std::find_if(found_.revisions.begin(), found_.revisions.end(),
                       [&](const FoundRevision& one) { return one.commit == trim(*commit); });
      const std::string name = prefix + std::string(entry.name);
      if (revision != found_.revisions.end()) {
        revision->refs.push_back(name);
      } else {
        found_.lost_refs.push_back(name);
      }
    });
    for (const std::string& folder : folders) {
      if (const auto there = below(directory, folder)) refs_in(*there, prefix + folder + "/", depth + 1);
    }
  }

  FoundRepository& found_;
  const Directory* hub_ = nullptr;
  std::vector<bool> seen_;  // blobs that this revision has already
};

void add(Amount& sum, const Amount& more) {
  sum.bytes += more.bytes;
  sum.files += more.files;
}

RepositorySummary sum_up(FoundRepository&& found) {
  RepositorySummary summary{std::move(found.type), std::move(found.id), {}, {}, {}, {}, {},
                            std::move(found.error)};
  for (const FoundBlob& blob : found.blobs) {
    if (blob.links > 0) {
      add(summary.amount, {blob.info.size, 1});
      if (!blob.entry.empty()) add(summary.shared, {blob.info.size, 1});
    } else if (blob.entry.empty()) {
      add(summary.unreferenced, {blob.info.size, 1});
    }
  }
  for (const FoundBlob& half : found.unfinished) add(summary.unfinished, {half.info.size, 1});
  for (FoundRevision& revision : found.revisions) {
    std::sort(revision.refs.begin(), revision.refs.end());
    summary.revisions.push_back(
        {std::move(revision.commit), std::move(revision.refs), revision.amount, revision.broken});
  }
  return summary;
}

// Every entry of the client's store; nothing when there is none.
Result<Amount> take_store(const system::Files& files, const std::string& hub) {
  Amount sum;
  const auto there = Directory::open(files, hub);
  if (!there) return there.error().why == Why::missing ? Result<Amount>(sum) : fail(there.error());
  const auto store = there->open("blobs");
  if (!store) return sum;
  std::vector<std::string> folders;
  const auto listed = store->each([&](const Directory::Entry& entry) {
    if (entry.name.size() == 2) folders.emplace_back(entry.name);
  });
  if (!listed) return fail(listed.error());
  for (const std::string& name : folders) {
    const auto folder = store->open(name);
    if (!folder) continue;
    const auto seen = folder->each([&](const Directory::Entry& entry) {
      if (!store_entry("../../blobs/" + name + "/" + std::string(entry.name))) return;  // .lock, .refs
      const auto info = folder->look(entry.name);
      if (info && info->kind == Kind::file) add(sum, {info->size, 1});
    });
    if (!seen) return fail(seen.error());
  }
  return sum;
}

}  // namespace

Result<void> walk(const system::Files& files, const Layout& layout, unsigned threads,
                  const std::function<void(FoundRepository&&)>& visit) {
  const auto hub = Directory::open(files, layout.hub());
  if (!hub) return hub.error().why == Why::missing ? Result<void>() : fail(hub.error());
  std::vector<FoundRepository> repositories;
  const auto listed = hub->each([&](const Directory::Entry& entry) {
    for (const Type& type : types) {
      if (!entry.name.starts_with(type.prefix)) continue;
      FoundRepository found;
      found.folder = entry.name;
      found.type = type.name;
      found.id = id_of(entry.name.substr(type.prefix.size()));
      repositories.push_back(std::move(found));
    }
  });
  if (!listed) return listed;
  if (threads == 0) threads = std::clamp(std::thread::hardware_concurrency(), 1U, most_threads);
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  const auto work = [&] {
    for (std::size_t i = next++; i < repositories.size(); i = next++) {
      FoundRepository found = std::move(repositories[i]);
      Look(found).all(*hub);
      const std::lock_guard lock(mutex);
      visit(std::move(found));
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads && i < repositories.size(); ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  return {};
}

Result<FoundRepository> find_repository(const system::Files& files, std::string_view hub,
                                        std::string_view id) {
  const auto directory = Directory::open(files, hub);
  if (!directory) return fail(directory.error());
  FoundRepository found;
  found.folder = Layout::folder(id);
  found.type = "model";
  found.id = id;
  if (const auto there = directory->open(found.folder); !there) return fail(there.error());
  Look(found).all(*directory);
  return found;
}

Result<Manifest> manifest_of(const FoundRepository& found, const FoundRevision& revision) {
  std::map<std::string_view, Bytes> sizes;
  for (const FoundBlob& blob : found.blobs) sizes[blob.name] = blob.info.size;
  Manifest manifest{found.id, revision.commit, "main", {}};
  for (const FoundLink& link : revision.links) {
    if (auto fine = archive::check_path(link.path); !fine) return fail(fine.error());
    if (link.blob.empty()) {
      return fail(Why::refused, "its file '" + link.path + "' leads to no blob of the repository");
    }
    manifest.files.push_back({link.path, sizes[link.blob], link.blob});
  }
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  if (auto fine = check(manifest); !fine) return fail(fine.error());
  return manifest;
}

Result<Inventory> take_inventory(const system::Files& files, const Layout& layout, unsigned threads) {
  Inventory inventory;
  std::set<std::string> entries;
  Amount again;  // what was counted for another repository already
  const auto walked = walk(files, layout, threads, [&](FoundRepository&& found) {
    for (const FoundBlob& blob : found.blobs) {
      if (blob.entry.empty() || blob.links == 0) continue;
      add(entries.insert(blob.entry).second ? inventory.shared : again, {blob.info.size, 1});
    }
    inventory.repositories.push_back(sum_up(std::move(found)));
  });
  if (!walked) return fail(walked.error());
  std::sort(inventory.repositories.begin(), inventory.repositories.end(),
            [](const RepositorySummary& a, const RepositorySummary& b) {
              return std::tie(a.type, a.id) < std::tie(b.type, b.id);
            });
  for (const RepositorySummary& repository : inventory.repositories) {
    add(inventory.amount, repository.amount);
    add(inventory.unfinished, repository.unfinished);
    add(inventory.unreferenced, repository.unreferenced);
  }
  inventory.amount.bytes = inventory.amount.bytes - again.bytes;
  inventory.amount.files -= again.files;
  const auto store = take_store(files, layout.hub());
  if (!store) return fail(store.error());
  inventory.store = *store;
  return inventory;
}

}  // namespace fettle::shelf
