#include "shelf/adopt.h"

#include <algorithm>
#include <set>

#include "base/names.h"
#include "shelf/inventory.h"
#include "shelf/jobs.h"
#include "shelf/lock_file.h"

namespace fettle::shelf {
namespace {

const FoundRevision* revision_of(const FoundRepository& found) {
  for (const FoundRevision& revision : found.revisions) {
    if (std::find(revision.refs.begin(), revision.refs.end(), "main") != revision.refs.end())
      return &revision;
  }
  return found.revisions.size() == 1 ? &found.revisions.front() : nullptr;
}

// The manifest as the links tell it, or why there is none.
Result<Manifest> manifest_of(const FoundRepository& found) {
  const auto no = [](std::string why) { return fail(Why::refused, std::move(why)); };
  if (found.error) return fail(*found.error);
  if (found.revisions.empty()) return no("it has no revision");
  const FoundRevision* const revision = revision_of(found);
  if (revision == nullptr) return no("it has several revisions and none is main");
  return manifest_of(found, *revision);
}

struct Blob {
  std::size_t manifest;
  File file;
};

}  // namespace

Result<Adopted> adopt(const system::System& system, const profile::Profile& profile,
                      const std::vector<std::string>& ids, const Effort& effort, const Hashed& hashed) {
  if (!profile.cache)
    return fail(Why::missing, "cannot adopt: the profile has no cache", "add 'cache' to the profile");
  const Layout layout{profile.cache->path + "/hf"};
  Adopted adopted;
  std::set<std::string_view> asked(ids.begin(), ids.end());
  const auto walked = walk(system.files, layout, 0, [&](FoundRepository&& found) {
    if (found.type != "model" || (!ids.empty() && asked.count(found.id) == 0)) return;
    auto manifest = manifest_of(found);
    if (manifest) {
      adopted.manifests.push_back(std::move(*manifest));
    } else {
      adopted.left_out.push_back({found.id, manifest.error().said});
    }
  });
  if (!walked) return fail(walked.error());
  std::sort(adopted.manifests.begin(), adopted.manifests.end(),
            [](const Manifest& a, const Manifest& b) { return a.id < b.id; });
  for (const Manifest& manifest : adopted.manifests) asked.erase(manifest.id);
  for (const Kept& out : adopted.left_out) asked.erase(out.path);
  if (!asked.empty()) {
    return fail(Why::missing,
                "cannot adopt '" + std::string(*asked.begin()) + "': the cache does not have it",
                "`fettle shelf list` shows what it has");
  }

  const auto opened = Jobs::open(system.files, system.clock);
  if (!opened) return fail(while_doing("open the worker's records", opened.error()));
  const Jobs& jobs = opened->jobs;
  std::vector<Blob> blobs;
  std::vector<Wanted> wanted;
  Bytes total;
  for (std::size_t i = 0; i < adopted.manifests.size(); ++i) {
    for (const File& file : blobs_of(adopted.manifests[i])) {
      const auto blob = look_at_blob(system.files, layout, adopted.manifests[i].id, file.blob);
      if (!blob) return fail(blob.error());
      const auto known = jobs.was_verified(blob->info, file.blob);
      if (!known) return fail(known.error());
      if (*known && blob->is_file()) continue;
      total += file.size;
      blobs.push_back({i, file});
      wanted.push_back({blob->path, file.blob, file.size});
    }
  }
  std::set<std::size_t> damaged;
  Listener listener;
  listener.checked = [&](const Checked& checked) -> Result<void> {
    const Blob& blob = blobs[checked.index];
    if (checked.same) return jobs.remember_verified(checked.info, blob.file.blob);
    damaged.insert(blob.manifest);
    adopted.damages.push_back({adopted.manifests[blob.manifest].id, blob.file.path, blob.file.blob,
                               "its content does not have the hash of its name"});
    return {};
  };
  listener.tick = [&](Bytes done) -> Result<void> {
    hashed(done, total);
    return {};
  };
  if (auto verified = verify(system.files, wanted, effort, listener); !verified)
    return fail(verified.error());
  std::vector<Manifest> whole;
  for (std::size_t i = 0; i < adopted.manifests.size(); ++i) {
    if (damaged.count(i) != 0) continue;
    adopted.bytes += total_of(blobs_of(adopted.manifests[i]));
    whole.push_back(std::move(adopted.manifests[i]));
  }
  adopted.manifests = std::move(whole);
  return adopted;
}

Result<void> write_shelf(const system::Files& files, std::string_view name,
                         const std::vector<Manifest>& manifests) {
  std::string text = "schema: 1\nkind: shelf\nname: " + std::string(name) +
                     "\nwhy: \"adopted from the cache of this node\"\nsource: hub\nrepositories:\n";
  for (const Manifest& manifest : manifests)
    text += "  - {id: " + manifest.id + ", revision: " + manifest.revision + "}\n";
  const std::string lock = lock_path(name);
  const std::string shelf = lock.substr(0, lock.find_last_of('.')) + ".yaml";
  const std::vector<std::pair<std::string, std::string>> both{{lock, to_json(manifests)}, {shelf, text}};
  for (const auto& [path, content] : both) {
    const auto there = files.read(path, archive_manifest_limit);
    if (there && *there == content) continue;
    if (!there && there.error().why == Why::missing) continue;
    return fail(Why::refused, "cannot write '" + path + "': it is there already",
                "give the adopted shelf another name, or move that file away");
  }
  // The lock first: a shelf without its lock would ask the hub.
  for (const auto& [path, content] : both) {
    if (const auto written = files.write(path, content, 0644); !written) return fail(written.error());
  }
  return {};
}

}  // namespace fettle::shelf
