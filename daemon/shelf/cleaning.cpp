#include "shelf/cleaning.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/text.h"
#include "shelf/jobs.h"
#include "system/directory.h"
#include "system/in_use.h"
#include "system/lock.h"

namespace fettle::shelf {
namespace {

using namespace std::chrono_literals;

// What shelves need, by the repository's folder.
struct Needs {
  std::map<std::string, std::set<std::string>> revisions;
  std::map<std::string, std::set<std::string>> blobs;
  std::set<std::string> unresolved;  // folders of repositories whose files are not known yet
};

// What a removal takes away before one looks what is left.
struct Gone {
  std::map<std::string, std::set<std::string>> revisions;
  std::map<std::string, std::set<std::string>> refs;
};

void add(Needs& needs, const Manifest& manifest) {
  const std::string folder = Layout::folder(manifest.id);
  needs.revisions[folder].insert(manifest.revision);
  for (const File& file : manifest.files) needs.blobs[folder].insert(file.blob);
}

Result<Needs> needs_of(const Jobs& jobs, const profile::Profile& profile, std::string_view without) {
  Needs needs;
  const auto shelves = jobs.shelves();
  if (!shelves) return fail(shelves.error());
  for (const std::string& shelf : *shelves) {
    if (shelf == without) continue;
    const auto manifests = jobs.manifests(shelf);
    if (!manifests) return fail(manifests.error());
    for (const Manifest& manifest : *manifests) add(needs, manifest);
  }
  for (const profile::Shelf& shelf : profile.shelves) {
    if (shelf.name == without) continue;
    for (const profile::Repository& repository : shelf.repositories) {
      const auto known = jobs.manifest(shelf.name, want_of(repository));
      if (!known) return fail(known.error());
      if (!*known) needs.unresolved.insert(Layout::folder(repository.id));
    }
  }
  return needs;
}

bool has(const std::map<std::string, std::set<std::string>>& sets, const std::string& folder,
         const std::string& name) {
  const auto found = sets.find(folder);
  return found != sets.end() && found->second.count(name) != 0;
}

// The file that the client locks while it works on a blob.
std::string lock_of(const Layout& layout, const std::string& folder, std::string_view blob_or_unfinished) {
  return layout.hub() + "/.locks/" + folder + "/" +
         std::string(blob_or_unfinished.substr(0, blob_or_unfinished.find('.'))) + ".lock";
}

class Proposer {
 public:
  Proposer(const Needs& needs, const Gone& gone, Detached detached)
      : needs_(needs), gone_(gone), detached_(detached) {}

  void look(FoundRepository&& found) {
    if (found.error) {
      keep(found.folder, "it could not be looked at wholly: " + found.error->said);
      return;
    }
    if (needs_.unresolved.count(found.folder) != 0) {
      keep(found.folder, "a wanted shelf names it, and what it consists of is not known yet");
      return;
    }
    std::map<std::string_view, std::uint64_t> lost_links;
    for (const FoundRevision& revision : found.revisions) {
      const std::string why = why_revision_goes(found.folder, revision);
      if (why.empty()) continue;
      for (const std::string& ref : revision.refs) remove(RemovalKind::ref, found.folder, ref, {}, why);
      remove(RemovalKind::revision, found.folder, revision.commit, {}, why);
      for (const FoundLink& link : revision.links) {
        if (!link.blob.empty()) ++lost_links[link.blob];
      }
    }
    for (const FoundBlob& half : found.unfinished)
      remove(RemovalKind::unfinished, found.folder, half.name, half.info.size,
             "a download that ended before its end");
    for (const FoundBlob& blob : found.blobs) {
      const auto lost = lost_links.find(blob.name);
      if (blob.links > (lost == lost_links.end() ? 0 : lost->second)) continue;
      if (has(needs_.blobs, found.folder, blob.name)) continue;
      if (!blob.entry.empty()) {
        keep(found.folder + "/blobs/" + blob.name,
             "it lies in the client's own store; `hf cache prune` removes what no revision needs");
        continue;
      }
      remove(RemovalKind::blob, found.folder, blob.name, blob.info.size,
             blob.links > 0 ? "only what is removed needs it" : "no revision and no shelf needs it");
    }
  }

  Cleaning take() {
    std::stable_sort(cleaning_.removals.begin(), cleaning_.removals.end(),
                     [](const Removal& a, const Removal& b) {
                       return std::tie(a.kind, a.folder, a.name) < std::tie(b.kind, b.folder, b.name);
                     });
    return std::move(cleaning_);
  }

 private:
  // Empty when it stays.
  std::string why_revision_goes(const std::string& folder, const FoundRevision& revision) {
    if (has(gone_.revisions, folder, revision.commit)) {
      for (const std::string& ref : revision.refs) {
        if (has(gone_.refs, folder, ref)) continue;
        keep(folder + "/snapshots/" + revision.commit,
             "the ref '" + ref + "', not from this shelf, points at it");
        return {};
      }
      return "the shelf is removed";
    }
    if (!revision.refs.empty() || has(needs_.revisions, folder, revision.commit)) return {};
    if (detached_ == Detached::remove) return "no ref and no shelf names it";
    keep(folder + "/snapshots/" + revision.commit,
         "no ref and no shelf names it, but somebody may use its commit; --detached removes it");
    return {};
  }

  void remove(RemovalKind kind, const std::string& folder, const std::string& name, Bytes bytes,
              std::string why) {
    cleaning_.removals.push_back({kind, folder, name, bytes, std::move(why)});
    cleaning_.bytes += bytes;
  }

  void keep(std::string path, std::string why) {
    cleaning_.kept.push_back({std::move(path), std::move(why)});
  }

  const Needs& needs_;
  const Gone& gone_;
  Detached detached_;
  Cleaning cleaning_;
};

Result<Layout> layout_of(const profile::Profile& profile) {
  if (profile.cache) return Layout{profile.cache->path + "/hf"};
  return fail(Why::missing, "cannot clean: the profile has no cache", "add 'cache' to the profile");
}

Result<Jobs> open_jobs(const system::System& system) {
  auto opened = Jobs::open(system.files, system.clock);
  if (!opened) return fail(while_doing("open the worker's records", opened.error()));
  // With records that were lost a moment ago, every blob would look like nobody's.
  if (!opened->findings.empty()) {
    return fail(Why::refused, "cannot tell what shelves need: " + opened->findings.front().says,
                opened->findings.front().hint);
  }
  return std::move(opened->jobs);
}

Result<Cleaning> propose(const system::System& system, const Layout& layout, const Needs& needs,
                         const Gone& gone, Detached detached, const std::set<std::string>* only) {
  Proposer proposer(needs, gone, detached);
  const auto walked = walk(system.files, layout, 0, [&](FoundRepository&& found) {
    if (only == nullptr || only->count(found.folder) != 0) proposer.look(std::move(found));
  });
  if (!walked) return fail(walked.error());
  return proposer.take();
}

// Removes the links and folders of a revision; other files in it are not ours to remove.
Result<void> remove_tree(const system::Files& files, const std::string& path) {
  std::vector<std::string> links;
  std::vector<std::string> folders;
  const auto directory = system::Directory::open(files, path);
  if (!directory) return directory.error().why == Why::missing ? Result<void>() : fail(directory.error());
  const auto listed = directory->each([&](const system::Directory::Entry& entry) {
    (entry.kind == system::Kind::directory ? folders : links).emplace_back(entry.name);
  });
  if (!listed) return listed;
  for (const std::string& folder : folders) {
    if (auto removed = remove_tree(files, path + "/" + folder); !removed) return removed;
  }
  for (const std::string& link : links) {
    if (const auto removed = files.remove(path + "/" + link); !removed) return fail(removed.error());
  }
  return system::remove_directory(files, path);
}

class Remover {
 public:
  Remover(const system::System& system, const Layout& layout) : system_(system), layout_(layout) {}

  Result<void> remove(const Removal& removal) {
    const std::string top = layout_.hub() + "/" + removal.folder;
    switch (removal.kind) {
      case RemovalKind::ref:
        return drop(removal, top + "/refs/" + removal.name);
      case RemovalKind::revision: {
        if (auto gone = remove_tree(system_.files, top + "/snapshots/" + removal.name); !gone) return gone;
        return drop(removal, top + "/trees/" + removal.name + ".json");
      }
      case RemovalKind::unfinished:
      case RemovalKind::blob:
        return remove_bytes(removal, top + "/blobs/" + removal.name);
    }
    return {};
  }

  Cleaning done;

 private:
  Result<void> drop(const Removal& removal, const std::string& path) {
    const auto removed = system_.files.remove(path);
    if (!removed) return fail(removed.error());
    done.removals.push_back(removal);
    done.bytes += removal.bytes;
    return {};
  }

  // Under the client's own lock, and only when nobody has it open.
  Result<void> remove_bytes(const Removal& removal, const std::string& path) {
    const std::string lock = lock_of(layout_, removal.folder, removal.name);
    std::optional<Fd> held;
    if (const auto there = system_.files.exists(lock); there && *there) {
      auto locked = system::lock_file(system_.files, lock, system_.clock, 0ms);
      if (!locked) return keep(path, "somebody works on it");
      held.emplace(std::move(*locked));
    }
    const auto used = system::is_in_use(system_.files, path);
    if (!used && used.error().why == Why::missing) return {};
    if (!used) return keep(path, used.error().said);
    if (*used) return keep(path, "a program has it open");
    return drop(removal, path);
  }

  Result<void> keep(const std::string& path, std::string why) {
    done.kept.push_back({path, std::move(why)});
    return {};
  }

  const system::System& system_;
  const Layout& layout_;
};

// The folders of a repository that is empty now; one that is not stays.
void remove_empty(const system::Files& files, const std::string& top) {
  for (const char* below : {"/snapshots", "/blobs", "/refs/pr", "/refs", "/trees", ""})
    (void)system::remove_directory(files, top + below);
}

}  // namespace

Result<Cleaning> propose_gc(const system::System& system, const profile::Profile& profile,
                            Detached detached) {
  const auto layout = layout_of(profile);
  if (!layout) return fail(layout.error());
  const auto jobs = open_jobs(system);
  if (!jobs) return fail(jobs.error());
  const auto needs = needs_of(*jobs, profile, {});
  if (!needs) return fail(needs.error());
  return propose(system, *layout, *needs, {}, detached, nullptr);
}

Result<Cleaning> propose_removal(const system::System& system, const profile::Profile& profile,
                                 std::string_view shelf) {
  const auto layout = layout_of(profile);
  if (!layout) return fail(layout.error());
  const auto jobs = open_jobs(system);
  if (!jobs) return fail(jobs.error());
  const auto manifests = jobs->manifests(shelf);
  if (!manifests) return fail(manifests.error());
  if (manifests->empty()) {
    return fail(Why::missing, "cannot remove '" + std::string(shelf) + "': it was never staged here",
                "`fettle shelf list` shows what is here");
  }
  const auto needs = needs_of(*jobs, profile, shelf);
  if (!needs) return fail(needs.error());
  Gone gone;
  std::set<std::string> only;
  for (const Manifest& manifest : *manifests) {
    const std::string folder = Layout::folder(manifest.id);
    only.insert(folder);
    if (has(needs->revisions, folder, manifest.revision)) continue;
    gone.revisions[folder].insert(manifest.revision);
    gone.refs[folder].insert(manifest.ref);
  }
  return propose(system, *layout, *needs, gone, Detached::keep, &only);
}

Result<Cleaning> carry_out(const system::System& system, const profile::Profile& profile,
                           const Cleaning& proposal) {
  const auto layout = layout_of(profile);
  if (!layout) return fail(layout.error());
  Remover remover(system, *layout);
  std::set<std::string> folders;
  for (const Removal& removal : proposal.removals) {
    if (auto removed = remover.remove(removal); !removed) return fail(removed.error());
    folders.insert(removal.folder);
  }
  for (const std::string& folder : folders) remove_empty(system.files, layout->hub() + "/" + folder);
  return std::move(remover.done);
}

Result<void> forget_shelf(const system::System& system, std::string_view shelf) {
  const auto jobs = open_jobs(system);
  if (!jobs) return fail(jobs.error());
  return jobs->forget_shelf(shelf);
}

}  // namespace fettle::shelf
