#include "shelf/shelf.h"

#include "archive/writer.h"
#include "shelf/jobs.h"
#include "shelf/layout.h"

namespace fettle::shelf {
namespace {

struct Staged {
  Layout layout;
  Jobs jobs;
  std::vector<Manifest> manifests;
};

Result<Staged> open(const system::System& system, const profile::Profile& profile, std::string_view shelf) {
  if (!profile.cache) {
    return fail(Why::missing, "cannot open '" + std::string(shelf) + "': the profile has no cache",
                "add 'cache' to the profile");
  }
  auto opened = Jobs::open(system.files, system.clock);
  if (!opened) return fail(while_doing("open the worker's records", opened.error()));
  auto manifests = opened->jobs.manifests(shelf);
  if (!manifests) return fail(manifests.error());
  if (manifests->empty()) {
    return fail(Why::missing, "cannot open '" + std::string(shelf) + "': it was never staged here",
                "`fettle stage " + std::string(shelf) + "` does it");
  }
  return Staged{{profile.cache->path + "/hf"}, std::move(opened->jobs), std::move(*manifests)};
}

struct Known {
  const Manifest* manifest;
  File file;
};

}  // namespace

Result<Verified> verify_again(const system::System& system, const profile::Profile& profile,
                              std::string_view shelf, const Effort& effort, const Hashed& hashed) {
  const auto staged = open(system, profile, shelf);
  if (!staged) return fail(staged.error());
  Verified result;
  result.manifests = staged->manifests;
  std::vector<Known> known;
  std::vector<Wanted> wanted;
  const auto damaged = [&](const Known& one, std::string says) {
    result.damages.push_back({one.manifest->id, one.file.path, one.file.blob, std::move(says)});
  };
  for (const Manifest& manifest : result.manifests) {
    for (const File& file : blobs_of(manifest)) {
      const auto blob = look_at_blob(system.files, staged->layout, manifest.id, file.blob);
      ++result.blobs;
      if (!blob && blob.error().why != Why::missing) return fail(blob.error());
      if (!blob) {
        damaged({&manifest, file}, "it is missing");
      } else if (blob->info.kind == system::Kind::link) {
        damaged({&manifest, file}, "it is a link that leads to nothing, or to no store of the client");
      } else if (blob->info.size != file.size) {
        damaged({&manifest, file},
                "it has " + to_text(blob->info.size) + " instead of " + to_text(file.size));
      } else {
        result.bytes += file.size;
        known.push_back({&manifest, file});
        wanted.push_back({blob->path, file.blob, file.size});
      }
    }
  }
  Listener listener;
  listener.checked = [&](const Checked& checked) -> Result<void> {
    const Known& one = known[checked.index];
    if (checked.same) return staged->jobs.remember_verified(checked.info, one.file.blob);
    damaged(one, "its content is another");
    return staged->jobs.forget_verified(checked.info);
  };
  listener.tick = [&](Bytes done) -> Result<void> {
    hashed(done, result.bytes);
    return {};
  };
  if (auto verified = verify(system.files, wanted, effort, listener); !verified)
    return fail(verified.error());
  return result;
}

Result<std::vector<Manifest>> export_archive(const system::System& system, const profile::Profile& profile,
                                             std::string_view shelf, std::string_view to,
                                             const Hashed& written) {
  const auto staged = open(system, profile, shelf);
  if (!staged) return fail(staged.error());
  Bytes total;
  for (const Manifest& manifest : staged->manifests) {
    for (const File& file : blobs_of(manifest)) {
      const auto blob = look_at_blob(system.files, staged->layout, manifest.id, file.blob);
      if (!blob && blob.error().why != Why::missing) return fail(blob.error());
      const auto good = blob ? staged->jobs.was_verified(blob->info, file.blob) : Result<bool>(false);
      if (!good) return fail(good.error());
      if (!*good) {
        return fail(Why::refused,
                    "cannot export '" + std::string(shelf) + "': '" + file.path + "' of '" + manifest.id +
                        "' is not verified",
                    "`fettle stage " + std::string(shelf) + "` completes it");
      }
      total += file.size;
    }
  }
  auto writer = archive::Writer::create(system.files, to, archive::compression_of(to));
  if (!writer) return fail(writer.error());
  if (auto added = writer->add_text(archive_manifest_name, to_json(staged->manifests)); !added)
    return fail(added.error());
  Bytes done;
  for (const Manifest& manifest : staged->manifests) {
    for (const File& file : blobs_of(manifest)) {
      const auto tick = [&]() -> Result<void> {
        written(done, total);
        return {};
      };
      const std::string name = Layout::folder(manifest.id) + "/blobs/" + file.blob;
      const auto blob = look_at_blob(system.files, staged->layout, manifest.id, file.blob);
      if (!blob) return fail(blob.error());
      auto added = writer->add_file(name, blob->path, file.size, tick);
      if (!added) return fail(added.error());
      done += file.size;
    }
  }
  if (auto finished = writer->finish(); !finished) return fail(finished.error());
  return staged->manifests;
}

}  // namespace fettle::shelf
