// The archive source: a tar whose first entry lists the repositories, followed by their blobs.
#include <algorithm>
#include <optional>

#include "archive/reader.h"
#include "archive/staging.h"
#include "shelf/lock_file.h"
#include "shelf/source.h"
#include "system/step_point.h"

namespace fettle::shelf {
namespace {

class ArchiveSource final : public Source {
 public:
  explicit ArchiveSource(const Work& work) : work_(work) {}

  Step<std::vector<profile::Repository>> repositories() override {
    if (!work_.shelf.repositories.empty()) return work_.shelf.repositories;
    if (auto there = read_list(); !there) return stopped(State::failed, there.error());
    std::vector<profile::Repository> all;
    for (const Manifest& manifest : manifests_) {
      profile::Repository repository;
      repository.id = manifest.id;
      repository.revision = manifest.revision;
      all.push_back(std::move(repository));
    }
    return all;
  }

  Step<Manifest> resolve(const profile::Repository& repository) override {
    if (auto there = read_list(); !there) return stopped(State::failed, there.error());
    if (auto selected = pick(manifests_, repository)) {
      if (auto fine = check(*selected); !fine) return stopped(State::failed, fine.error());
      return std::move(*selected);
    }
    return stopped(State::failed,
                   {Why::missing,
                    "cannot find '" + repository.id + "' at '" + repository.revision + "' in the archive '" +
                        work_.shelf.archive + "'",
                    "`fettle shelf show` lists what the profile wants; is this the right archive?"});
  }

  Step<void> fetch(const Manifest& manifest, const profile::Repository&, const std::vector<File>& missing,
                   Part) override {
    const auto fetched = take(manifest, missing);
    if (fetched) return {};
    if (const Stopped* const now = work_.stop_now()) return tl::unexpected<Stopped>(*now);
    if (auto full = held_by_full_cache(work_, missing, fetched.error()))
      return tl::unexpected<Stopped>(std::move(*full));
    // The archive itself is at fault, or the disk; neither mends itself.
    return stopped(State::failed, fetched.error());
  }

 private:
  // Opens the archive and reads its list, once; the reader then stands before the first blob.
  Result<void> read_list() {
    if (!manifests_.empty()) return {};
    if (auto opened = open(); !opened) return opened;
    return {};
  }

  Result<void> open() {
    auto reader = archive::Reader::open(work_.system.files, work_.shelf.archive);
    if (!reader) return fail(reader.error());
    const auto first = reader->next();
    if (!first) return fail(first.error());
    if (!*first || (*first)->path != archive_manifest_name || (*first)->kind != archive::EntryKind::file) {
      return fail(Why::malformed,
                  "cannot use the archive '" + work_.shelf.archive + "': its first entry is not '" +
                      std::string(archive_manifest_name) + "'",
                  "make it with `fettle shelf export`");
    }
    const auto text = reader->text(archive_manifest_limit);
    if (!text) return fail(text.error());
    auto manifests = parse_archive_manifest(*text);
    if (!manifests)
      return fail(while_doing("use the archive '" + work_.shelf.archive + "'", manifests.error()));
    manifests_ = std::move(*manifests);
    reader_.emplace(std::move(*reader));
    return {};
  }

  // Goes on from where the last repository ended: an archive in the order of its list is read once. What is
  // not found behind may lie before: then once more from the start.
  Result<void> take(const Manifest& manifest, std::vector<File> missing) {
    if (auto made = make_directories(work_.system.files, work_.layout,
                                     work_.layout.repository(manifest.id) + "/blobs", work_.directory_mode);
        !made) {
      return made;
    }
    auto staging = archive::Staging::make(work_.system.files, work_.layout.hub(), work_.shelf.name);
    if (!staging) return fail(staging.error());
    for (int pass = reader_ ? 0 : 1; pass < 2 && !missing.empty(); ++pass) {
      if (pass == 1) {
        if (auto opened = open(); !opened) return opened;
      }
      if (auto walked = walk(manifest, missing, *staging); !walked) return walked;
    }
    if (missing.empty()) return {};
    return fail(Why::missing,
                "cannot find " + missing.front().blob + " ('" + missing.front().path + "' of '" +
                    manifest.id + "') in the archive '" + work_.shelf.archive + "'",
                "the archive is incomplete: export it again");
  }

  // Until nothing is missing or the archive ends.
  Result<void> walk(const Manifest& manifest, std::vector<File>& missing, archive::Staging& staging) {
    const auto tick = [this] { return tick_and_pause(work_); };
    while (!missing.empty()) {
      const auto entry = reader_->next();
      if (!entry) {
        reader_.reset();
        return fail(entry.error());
      }
      if (!*entry) {
        reader_.reset();
        return {};
      }
      if ((*entry)->kind != archive::EntryKind::file)
        continue;  // links are made from the list, not from the archive
      if (auto known = is_listed(**entry); !known) return known;
      const auto wanted = std::find_if(missing.begin(), missing.end(), [&](const File& file) {
        return (*entry)->path == Layout::folder(manifest.id) + "/blobs/" + file.blob;
      });
      if (wanted == missing.end()) {
        work_.tick();
        continue;
      }
      if ((*entry)->size != wanted->size) {
        return fail(Why::malformed, "cannot use '" + (*entry)->path + "' of the archive '" +
                                        work_.shelf.archive + "': it has " + to_text((*entry)->size) +
                                        ", the list says " + to_text(wanted->size));
      }
      if (auto put = staging.put(*reader_, **entry, tick); !put) return put;
      system::step_point("staged a blob");
      auto moved =
          work_.system.files.rename(staging.path_of(**entry), work_.layout.blob(manifest.id, wanted->blob));
      if (!moved) return moved;
      system::step_point("named a blob");
      missing.erase(wanted);
    }
    return {};
  }

  // A file that the list does not know is a sign of tampering, not something to skip.
  Result<void> is_listed(const archive::Entry& entry) const {
    for (const Manifest& manifest : manifests_) {
      const std::string directory = Layout::folder(manifest.id) + "/blobs/";
      if (entry.path.rfind(directory, 0) != 0) continue;
      const std::string_view blob = std::string_view(entry.path).substr(directory.size());
      if (std::any_of(manifest.files.begin(), manifest.files.end(),
                      [&](const File& file) { return file.blob == blob; })) {
        return {};
      }
    }
    return fail(
        Why::malformed,
        "cannot use the archive '" + work_.shelf.archive + "': '" + entry.path + "' is not in its list",
        "make it with `fettle shelf export`");
  }

  Work work_;
  std::vector<Manifest> manifests_;
  std::optional<archive::Reader> reader_;
};

}  // namespace

std::unique_ptr<Source> make_archive_source(const Work& work) {
  return std::make_unique<ArchiveSource>(work);
}

}  // namespace fettle::shelf
