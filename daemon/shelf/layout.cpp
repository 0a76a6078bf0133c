#include "shelf/layout.h"

#include <sys/stat.h>

#include <map>
#include <set>

#include "base/text.h"
#include "system/lock.h"
#include "system/step_point.h"

namespace fettle::shelf {
namespace {

constexpr std::string_view incomplete = ".incomplete";

// The blob that an unfinished file is for: "<etag>.<8 hex>.incomplete", and "<etag>.incomplete" of clients
// below 1.18.
std::string_view blob_of_incomplete(std::string_view name) {
  if (name.size() <= incomplete.size() || name.substr(name.size() - incomplete.size()) != incomplete)
    return {};
  const std::string_view blob = name.substr(0, name.find('.'));
  return is_blob_name(blob) ? blob : std::string_view();
}

// Names in a directory that need not exist yet.
Result<std::vector<std::string>> list_if_there(const system::Files& files, const std::string& path) {
  auto names = files.list(path);
  if (!names && names.error().why == Why::missing) return std::vector<std::string>();
  return names;
}

// Nobody holds the lock file, or there is none. Taking it for an instant is how one finds out.
bool is_unlocked(const system::Files& files, system::Clock& clock, const std::string& lock) {
  const auto there = files.exists(lock);
  if (!there || !*there) return there.has_value();
  return system::lock_file(files, lock, clock, std::chrono::milliseconds(0)).has_value();
}

Result<void> readable(const system::Files& files, const std::string& path, mode_t mode) {
  auto set = files.set_mode(path, mode);
  if (set) return {};
  if (set.error().why == Why::denied)
    set.error().hint = "is it owned by another user? the cache belongs to fettle-stage";
  return fail(set.error());
}

}  // namespace

std::string Layout::folder(std::string_view id) {
  std::string name = "models--";
  for (const char c : id) name += c == '/' ? std::string("--") : std::string(1, c);
  return name;
}

std::string link_target(std::string_view path, std::string_view blob_name) {
  std::string target = "../../";
  for (std::size_t i = 1; i < split(path, '/').size(); ++i) target += "../";
  return target.append("blobs/").append(blob_name);
}

Result<BlobFile> look_at_blob(const system::Files& files, const Layout& layout, std::string_view id,
                              std::string_view blob) {
  return look_at_blob(files, layout.hub(), layout.repository(id), blob);
}

Result<Survey> survey(const system::Files& files, const Layout& layout, const Manifest& manifest,
                      std::string_view shelf) {
  const std::string directory = layout.repository(manifest.id) + "/blobs/";
  const auto names = list_if_there(files, directory);
  if (!names) return fail(names.error());
  std::set<std::string_view> there;
  // Several unfinished files of one blob are several attempts: the newest, largest one counts.
  std::map<std::string_view, Bytes> unfinished;
  for (const std::string& name : *names) {
    const std::string_view blob = blob_of_incomplete(name);
    if (blob.empty()) {
      there.insert(name);
    } else if (const auto info =
                   files.look(std::string(directory).append(name))) {  // it may have been renamed meanwhile
      unfinished[blob] = std::max(unfinished[blob], info->size);
    }
  }
  Survey result;
  for (const File& file : blobs_of(manifest)) {
    if (there.count(file.blob) != 0) {
      const auto blob = look_at_blob(files, layout, manifest.id, file.blob);
      if (!blob && blob.error().why != Why::missing) return fail(blob.error());
      if (blob && blob->is_file() && blob->info.size == file.size && blob->is_readable_by_all()) {
        result.done.bytes += file.size;
        ++result.done.files;
        continue;
      }
      if (blob) result.misfits.push_back(file);
    }
    Bytes part;
    if (const auto half = unfinished.find(file.blob); half != unfinished.end()) {
      part = std::min(half->second, file.size);
    } else if (const auto info = files.look(layout.unpacking(shelf, manifest.id, file.blob))) {
      part = std::min(info->size, file.size);
    }
    result.done.bytes += part;
    if (part.count > 0) result.growing.emplace_back(file, part);
    result.missing.push_back(file);
  }
  return result;
}

Result<Bytes> remove_orphans(const system::Files& files, system::Clock& clock, const Layout& layout,
                             std::string_view id) {
  const std::string directory = layout.repository(id) + "/blobs/";
  const auto names = list_if_there(files, directory);
  if (!names) return fail(names.error());
  Bytes freed;
  for (const std::string& name : *names) {
    const std::string_view blob = blob_of_incomplete(name);
    if (blob.empty() || !is_unlocked(files, clock, layout.lock(id, blob))) continue;
    const std::string path = std::string(directory).append(name);
    const auto info = files.look(path);
    const auto removed = files.remove(path);
    if (!removed) return fail(removed.error());
    system::step_point("removed an orphan");
    if (info) freed += info->size;
  }
  return freed;
}

Result<void> put_aside(const system::Files& files, const Layout& layout, const Manifest& manifest,
                       std::string_view blob_name) {
  const std::string blob = layout.blob(manifest.id, blob_name);
  const auto info = files.look(blob);
  if (!info) return fail(info.error());
  const std::string aside = layout.aside(blob_name);
  const auto made = files.make_directory(aside.substr(0, aside.find_last_of('/')), 0700);
  if (!made) return fail(made.error());
  // Links first: killed in between, no name leads to bytes that are known to be wrong.
  for (const File& file : manifest.files) {
    if (file.blob != blob_name) continue;
    const auto removed = files.remove(layout.snapshot(manifest) + "/" + file.path);
    if (!removed) return fail(removed.error());
    system::step_point("removed a link");
  }
  if (info->kind == system::Kind::link) {
    const auto removed = files.remove(blob);
    if (!removed) return fail(removed.error());
    system::step_point("removed a blob that is a link");
    return {};
  }
  auto moved = files.rename(blob, aside);
  system::step_point("moved aside");
  return moved;
}

Result<void> make_directories(const system::Files& files, const Layout& layout, std::string_view path,
                              mode_t mode) {
  std::string here = layout.home;
  for (const std::string_view component : split(path.substr(layout.home.size() + 1), '/')) {
    here.append("/").append(component);
    auto made = files.make_directory(here, mode);
    // A sandboxed service may not set this bit itself; then the owner's group has to do.
    if (!made && made.error().why == Why::denied && (mode & S_ISGID) != 0) {
      made = files.make_directory(here, mode & ~static_cast<mode_t>(S_ISGID));
    }
    if (!made) return fail(made.error());
  }
  system::step_point("made directories");
  return {};
}

Result<void> publish(const system::Files& files, const Layout& layout, const Manifest& manifest,
                     mode_t directory_mode) {
  const std::string snapshot = layout.snapshot(manifest);
  const std::string ref = layout.ref(manifest);
  std::set<std::string> directories{layout.repository(manifest.id) + "/blobs", snapshot,
                                    ref.substr(0, ref.find_last_of('/'))};
  for (const File& file : manifest.files) {
    const std::string path = snapshot + "/" + file.path;
    directories.insert(path.substr(0, path.find_last_of('/')));
  }
  for (const std::string& directory : directories) {
    if (auto made = make_directories(files, layout, directory, directory_mode); !made) return made;
  }
  for (const File& file : manifest.files) {
    // Container users read, the owner writes; nothing is ever world-writable.
    const auto blob = look_at_blob(files, layout, manifest.id, file.blob);
    if (!blob) return fail(blob.error());
    if (blob->entry.empty()) {
      if (auto open = readable(files, blob->path, 0644); !open) return open;
    }
    const auto linked = files.set_link(snapshot + "/" + file.path, link_target(file.path, file.blob));
    if (!linked) return fail(linked.error());
    system::step_point("linked a file");
  }
  // The client leaves its list closed to everybody else (0600), and then complains about it as another user.
  const auto tree = files.exists(layout.tree(manifest));
  if (!tree) return fail(tree.error());
  if (*tree) {
    if (auto open = readable(files, layout.tree(manifest), 0644); !open) return open;
    const std::string trees = layout.repository(manifest.id) + "/trees";
    if (auto open = make_directories(files, layout, trees, directory_mode); !open) return open;
  }
  system::step_point("all but the ref");
  // 40 bytes without a newline, as the client writes it.
  const auto written = files.write(ref, manifest.revision, 0644);
  if (!written) return fail(written.error());
  system::step_point("published");
  return {};
}

}  // namespace fettle::shelf
