// The directory source: another cache of the hub, or plain folders OWNER/NAME, on a share or a disk. It is
// read through a root of its own, so no link in it leads outside.
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "archive/staging.h"
#include "shelf/folder.h"
#include "shelf/inventory.h"
#include "shelf/source.h"
#include "shelf/verify.h"
#include "system/copy.h"
#include "system/step_point.h"

namespace fettle::shelf {
namespace {

using namespace std::chrono_literals;

constexpr auto after_trouble = 60s;   // a server that does not answer now
constexpr auto after_absence = 300s;  // a share or a disk that somebody has yet to mount

enum class Shape { cache, folder };

// Where a repository lies in the directory.
struct Found {
  Shape shape = Shape::cache;
  std::string hub;     // of a cache: the directory that its repositories lie in
  std::string folder;  // the repository's own
};

class DirectorySource final : public Source {
 public:
  explicit DirectorySource(const Work& work) : work_(work) {}

  Step<std::vector<profile::Repository>> repositories() override { return work_.shelf.repositories; }

  Step<Manifest> resolve(const profile::Repository& repository) override {
    const auto found = find(repository.id);
    if (!found) return tl::unexpected<Stopped>(found.error());
    auto manifest =
        found->shape == Shape::cache ? from_cache(*found, repository) : from_folder(*found, repository);
    if (!manifest) return resolve_stopped(repository, manifest.error());
    auto fine = check(*manifest);
    if (fine) fine = check_case(manifest->files);
    if (!fine) return resolve_stopped(repository, fine.error());
    return std::move(*manifest);
  }

  Step<void> fetch(const Manifest& manifest, const profile::Repository& repository,
                   const std::vector<File>& missing, Part) override {
    const auto found = find(repository.id);
    if (!found) return tl::unexpected<Stopped>(found.error());
    const auto fetched = take(*found, manifest, missing);
    if (fetched) return {};
    if (const Stopped* const now = work_.stop_now()) return tl::unexpected<Stopped>(*now);
    const Error error = while_doing(doing(repository), fetched.error());
    if (auto full = held_by_full_cache(work_, missing, error))
      return tl::unexpected<Stopped>(std::move(*full));
    return trouble(State::failed, error);
  }

 private:
  std::string doing(const profile::Repository& repository) const {
    return "copy '" + repository.id + "' from '" + work_.shelf.directory + "'";
  }

  // What the directory holds does not mend itself; a server or a disk that fails to answer may.
  static tl::unexpected<Stopped> trouble(State lasting, Error error) {
    if (error.why != Why::failed && error.why != Why::timed_out) return stopped(lasting, std::move(error));
    if (error.hint.empty())
      error.hint = "is the share or the disk still there? the worker tries again by itself";
    return stopped(State::held, std::move(error), after_trouble);
  }

  // Nothing is known of it yet, so what is wrong with its content is refused as a whole.
  tl::unexpected<Stopped> resolve_stopped(const profile::Repository& repository, Error error) const {
    if (const Stopped* const now = work_.stop_now()) return tl::unexpected<Stopped>(*now);
    const State lasting = error.why == Why::missing ? State::failed : State::refused;
    if (error.hint.empty() && error.why == Why::denied)
      error.hint = "let the user of the stage worker, fettle-stage, read it";
    if (error.hint.empty() && error.why == Why::refused)
      error.hint = "the copy is incomplete: make it anew, or leave the file out with 'exclude'";
    return trouble(lasting, while_doing(doing(repository), std::move(error)));
  }

  // Opened anew for each repository: a share may have come back meanwhile.
  Step<void> open() {
    const std::string& path = work_.shelf.directory;
    const auto info = work_.system.files.look_through(path);
    const bool is_there = info && info->kind == system::Kind::directory;
    if (!is_there && (info || info.error().why == Why::missing)) {
      return stopped(State::held,
                     {Why::missing, "cannot stage from '" + path + "': there is no such directory",
                      "mount the share or the disk; the worker looks again by itself"},
                     after_absence);
    }
    if (!info) return trouble(State::failed, while_doing("stage from '" + path + "'", info.error()));
    auto opened = system::Files::open(work_.system.files.host_path(path));
    if (!opened) return trouble(State::failed, while_doing("stage from '" + path + "'", opened.error()));
    // What a share leaves where it is not mounted.
    if (const auto names = opened->list("/"); names && names->empty()) {
      return stopped(State::held,
                     {Why::missing, "cannot stage from '" + path + "': the directory is empty",
                      "mount the share or the disk; the worker looks again by itself"},
                     after_absence);
    }
    there_.emplace(std::move(*opened));
    return {};
  }

  Step<Found> find(const std::string& id) {
    if (auto fine = check_id(id); !fine) return stopped(State::failed, fine.error());
    if (auto opened = open(); !opened) return tl::unexpected<Stopped>(opened.error());
    const std::string folder = Layout::folder(id);
    for (const Found& place :
         std::array{Found{Shape::cache, "/hub", "/hub/" + folder}, Found{Shape::cache, "/", "/" + folder},
                    Found{Shape::folder, "", "/" + id}}) {
      const auto info = there_->look(place.folder);
      if (info && info->kind == system::Kind::directory) return place;
      if (info || info.error().why == Why::missing) continue;
      return trouble(State::refused,
                     while_doing("look for '" + id + "' in '" + work_.shelf.directory + "'", info.error()));
    }
    return stopped(State::failed,
                   {Why::missing,
                    "cannot find '" + id + "' in '" + work_.shelf.directory + "': it has no 'hub/" + folder +
                        "', no '" + folder + "' and no '" + id + "'",
                    "is it the right directory? `fettle shelf show` lists what the shelf wants"});
  }

  Result<Manifest> from_cache(const Found& found, const profile::Repository& repository) const {
    const auto there = find_repository(*there_, found.hub, repository.id);
    if (!there) return fail(there.error());
    if (there->error) return fail(*there->error);
    for (const FoundRevision& revision : there->revisions) {
      const bool is_wanted =
          revision.commit == repository.revision ||
          std::find(revision.refs.begin(), revision.refs.end(), repository.revision) != revision.refs.end();
      if (!is_wanted) continue;
      // Only what is wanted has to be whole.
      FoundRevision wanted = revision;
      std::vector<File> files;
      for (const FoundLink& link : revision.links) files.push_back({link.path, {}, {}});
      files = select(std::move(files), repository.include, repository.exclude);
      std::set<std::string_view> paths;
      for (const File& file : files) paths.insert(file.path);
      std::erase_if(wanted.links, [&](const FoundLink& link) { return paths.count(link.path) == 0; });
      auto manifest = manifest_of(*there, wanted);
      if (manifest && !is_commit(repository.revision)) manifest->ref = repository.revision;
      return manifest;
    }
    return fail(Why::missing, "the cache has no revision '" + repository.revision + "' of it",
                "stage that revision there first, or want one that it has");
  }

  // A plain folder tells neither commit nor hashes: the profile says the commit, and its hashes are those of
  // the first reading. The copy is then compared with them.
  Result<Manifest> from_folder(const Found& found, const profile::Repository& repository) const {
    if (!is_commit(repository.revision)) {
      return fail(Why::refused, "a plain folder does not tell which commit '" + repository.revision + "' is",
                  "write the commit in 'revision', or lock the shelf on a node that reaches the hub");
    }
    auto files = list_folder(*there_, found.folder);
    if (!files) return fail(files.error());
    Manifest manifest{repository.id, repository.revision, "main",
                      select(std::move(*files), repository.include, repository.exclude)};
    constexpr std::size_t sha256_digits = 64;
    for (File& file : manifest.files) {
      auto hash = digest(*there_, found.folder + "/" + file.path, sha256_digits, [this](Bytes) {
        work_.tick();
        return work_.stop_now() == nullptr;
      });
      if (!hash) return fail(hash.error());
      file.blob = std::move(*hash);
    }
    return manifest;
  }

  Result<void> take(const Found& found, const Manifest& manifest, const std::vector<File>& missing) const {
    if (auto made = make_directories(work_.system.files, work_.layout,
                                     work_.layout.repository(manifest.id) + "/blobs", work_.directory_mode);
        !made) {
      return made;
    }
    const auto staging = archive::Staging::make(work_.system.files, work_.layout.hub(), work_.shelf.name);
    if (!staging) return fail(staging.error());
    for (const File& file : missing) {
      std::string from = found.folder + "/" + file.path;
      if (found.shape == Shape::cache) {
        const auto blob = look_at_blob(*there_, found.hub, found.folder, file.blob);
        if (!blob) return fail(blob.error());
        from = blob->path;
      }
      const std::string staged = Layout::folder(manifest.id) + "/blobs/" + file.blob;
      if (auto copied = copy(from, file, *staging, staged); !copied) return copied;
      system::step_point("staged a blob");
      auto moved = work_.system.files.rename(staging->path_of(std::string_view(staged)),
                                             work_.layout.blob(manifest.id, file.blob));
      if (!moved) return moved;
      system::step_point("named a blob");
    }
    return {};
  }

  Result<void> copy(const std::string& path, const File& file, const archive::Staging& staging,
                    const std::string& staged) const {
    // O_NONBLOCK: a FIFO that took the place of a file must not wait for a writer.
    const auto from = there_->open_at(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!from) return fail(from.error());
    const auto info = system::look_at(*from, path);
    if (!info) return fail(info.error());
    if (info->kind != system::Kind::file)
      return fail(Why::malformed, "cannot copy '" + path + "': it is no longer a file");
    const auto to = staging.create(staged);
    if (!to) return fail(to.error());
    const auto copied = system::copy_content(*from, *to, path, [this] { return tick_and_pause(work_); });
    if (!copied) return fail(copied.error());
    if (*copied != file.size) {
      return fail(
          Why::malformed,
          "cannot copy '" + path + "': it has " + to_text(*copied) + ", the list says " + to_text(file.size),
          "did somebody change it meanwhile? stage again when nobody does");
    }
    return staging.seal(*to, staged);
  }

  Work work_;
  std::optional<system::Files> there_;
};

}  // namespace

std::unique_ptr<Source> make_directory_source(const Work& work) {
  return std::make_unique<DirectorySource>(work);
}

}  // namespace fettle::shelf
