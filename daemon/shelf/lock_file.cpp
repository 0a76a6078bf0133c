#include "shelf/lock_file.h"

#include <array>

#include "base/names.h"
#include "profile/places.h"
#include "shelf/jobs.h"
#include "shelf/layout.h"

namespace fettle::shelf {
namespace {

std::string path_below(std::string_view directory, std::string_view shelf) {
  return std::string(directory) + "/shelves/" + std::string(shelf) + ".lock";
}

// What was resolved for these wants already; of another want nothing is taken.
Result<std::vector<Manifest>> known_manifests(const system::System& system, std::string_view shelf) {
  auto opened = Jobs::open(system.files, system.clock);
  if (!opened) return fail(while_doing("open the worker's records", opened.error()));
  return opened->jobs.manifests(shelf);
}

}  // namespace

std::string lock_path(std::string_view shelf) {
  return path_below(names::site_profiles, shelf);
}

Result<std::optional<std::vector<Manifest>>> read_lock(const system::Files& files, std::string_view shelf) {
  const auto places = profile::places(files);
  if (!places) return fail(places.error());
  for (const std::string& directory : *places) {
    const std::string path = path_below(directory, shelf);
    const auto text = files.read(path, archive_manifest_limit);
    if (!text && text.error().why == Why::missing) continue;
    if (!text) return fail(text.error());
    auto manifests = parse_manifests(*text, "'" + path + "'");
    if (!manifests) return fail(manifests.error());
    return std::optional<std::vector<Manifest>>(std::move(*manifests));
  }
  return std::optional<std::vector<Manifest>>();
}

std::optional<Manifest> pick(const std::vector<Manifest>& manifests, const profile::Repository& repository) {
  for (const Manifest& manifest : manifests) {
    const bool same = is_commit(repository.revision) ? manifest.revision == repository.revision
                                                     : manifest.ref == repository.revision;
    if (manifest.id != repository.id || !same) continue;
    Manifest selected = manifest;
    selected.files = select(manifest.files, repository.include, repository.exclude);
    return selected;
  }
  return std::nullopt;
}

Step<Manifest> from_lock(const std::vector<Manifest>& locked, const profile::Repository& repository,
                         std::string_view shelf) {
  auto manifest = pick(locked, repository);
  if (manifest && !manifest->files.empty()) return std::move(*manifest);
  const std::string name(shelf);
  return stopped(State::failed, {Why::missing,
                                 "cannot find '" + repository.id + "' at '" + repository.revision +
                                     "' in the lock of '" + name + "'",
                                 "`fettle shelf lock " + name + " --anew` writes it again"});
}

Result<std::vector<Manifest>> resolve_all(const system::System& system, const profile::Profile& profile,
                                          const profile::Shelf& shelf, const Options& options, Pins pins) {
  if (!profile.cache) {
    return fail(Why::missing, "cannot resolve '" + shelf.name + "': the profile has no cache",
                "add 'cache' to the profile");
  }
  const Layout layout{profile.cache->path + "/hf"};
  std::vector<Manifest> known;
  if (pins == Pins::known) {
    auto read = known_manifests(system, shelf.name);
    if (!read) return fail(read.error());
    known = std::move(*read);
  }
  const auto source = make_source({system, shelf, options, layout, 0755, [] { return Bytes(); },
                                   []() -> const Stopped* { return nullptr; }});
  const auto wanted = source->repositories();
  if (!wanted) return fail(wanted.error().error);
  std::vector<Manifest> all;
  for (const profile::Repository& repository : *wanted) {
    if (auto before = pick(known, repository)) {
      all.push_back(std::move(*before));
      continue;
    }
    auto resolved = source->resolve(repository);
    if (!resolved) return fail(resolved.error().error);
    all.push_back(std::move(*resolved));
  }
  if (all.empty()) return fail(Why::missing, "cannot resolve '" + shelf.name + "': it lists no repository");
  return all;
}

}  // namespace fettle::shelf
