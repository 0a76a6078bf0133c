// Layout: where the Hugging Face cache keeps things, and what is already there. The client and every program
// that loads models agree on these paths; nothing of ours may differ.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shelf/blob_file.h"
#include "shelf/manifest.h"
#include "shelf/report.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::shelf {

struct Layout {
  std::string home;  // HF_HOME: the cache's "hf" directory

  std::string hub() const { return home + "/hub"; }
  static std::string folder(std::string_view id);  // "models--owner--name"
  std::string repository(std::string_view id) const { return hub() + "/" + folder(id); }
  std::string blob(std::string_view id, std::string_view name) const {
    return repository(id) + "/blobs/" + std::string(name);
  }
  std::string snapshot(const Manifest& manifest) const {
    return repository(manifest.id) + "/snapshots/" + manifest.revision;
  }
  std::string ref(const Manifest& manifest) const {
    return repository(manifest.id) + "/refs/" + manifest.ref;
  }
  std::string tree(const Manifest& manifest) const {
    return repository(manifest.id) + "/trees/" + manifest.revision + ".json";
  }
  std::string lock(std::string_view id, std::string_view blob_name) const {
    return hub() + "/.locks/" + folder(id) + "/" + std::string(blob_name) + ".lock";
  }
  // Damaged blobs are kept here, one of each name, until a good one is verified. Outside of the hub: it is
  // not the client's business.
  std::string aside(std::string_view blob_name) const {
    return home + "/.fettle-damaged/" + std::string(blob_name);
  }
  // Where the archive source unpacks a blob of this shelf before it gets its name.
  std::string unpacking(std::string_view shelf, std::string_view id, std::string_view blob_name) const {
    return hub() + "/.fettle-unpack-" + std::string(shelf) + "/" + folder(id) + "/blobs/" +
           std::string(blob_name);
  }
};

// "../../blobs/<name>", one more "../" for each folder in `path`.
std::string link_target(std::string_view path, std::string_view blob_name);

// How much of a repository lies on the disk.
struct Survey {
  Amount done;                // whole blobs; in the bytes also the unfinished ones
  std::vector<File> missing;  // blobs that are absent or have the wrong size, the largest first
  std::vector<File> misfits;  // of those, the ones that lie there with the wrong size
  std::vector<std::pair<File, Bytes>> growing;  // of those, the ones of which a part is there
};

// The file behind a blob of this repository.
Result<BlobFile> look_at_blob(const system::Files& files, const Layout& layout, std::string_view id,
                              std::string_view blob);

// Reads the names of one directory and looks at each wanted blob; content is not read. "No such directory
// yet" is nothing done; "may not look" is an error.
Result<Survey> survey(const system::Files& files, const Layout& layout, const Manifest& manifest,
                      std::string_view shelf);

// Removes what killed clients left in the repository: *.incomplete of blobs whose lock nobody holds. Gives
// their bytes.
Result<Bytes> remove_orphans(const system::Files& files, system::Clock& clock, const Layout& layout,
                             std::string_view id);

// Moves a damaged blob aside and removes the links to it, so that the client fetches it again. A blob that is
// itself a link goes away as such: what it leads to is not ours.
Result<void> put_aside(const system::Files& files, const Layout& layout, const Manifest& manifest,
                       std::string_view blob_name);

// Makes the missing directories between `home` and `path` with this mode.
Result<void> make_directories(const system::Files& files, const Layout& layout, std::string_view path,
                              mode_t mode);

// Makes the repository visible: links for every file, readable modes, and last the ref. Only after
// verification. Changes nothing the second time.
Result<void> publish(const system::Files& files, const Layout& layout, const Manifest& manifest,
                     mode_t directory_mode);

}  // namespace fettle::shelf
