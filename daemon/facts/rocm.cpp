// ROCm installations, side by side and in both layouts: /opt/rocm-X.Y.Z behind the link /opt/rocm (up
// to 7.2), and /opt/rocm/core-X.Y behind the link /opt/rocm/core (from 7.14 on, where /opt/rocm is a
// directory).
#include <algorithm>
#include <filesystem>

#include "facts/readers.h"
#include "facts/sysfs.h"

namespace fettle::facts {
namespace {

// The version file says 7.0.2-56: release and build. Empty when the directory holds no ROCm, as after a
// removal.
Result<std::string> version_in(const system::Files& files, const std::string& directory) {
  for (const char* const name : {"version", "version-rocm", "version-dev"}) {
    const std::string path = directory + "/.info/" + name;
    const auto text = read_optional(files, path);
    if (!text) return fail(text.error());
    if (text->empty()) continue;
    const auto version = parse_version(*text);
    if (!version) return fail(while_doing("read '" + path + "'", version.error()));
    return Version{version->numbers, {}}.to_text();
  }
  return std::string();
}

// Where a path leads when it is a link, through others (/etc/alternatives); the path itself otherwise. Eight
// links: the real chains have two.
std::string target_of(const system::Files& files, std::string path) {
  for (int i = 0; i < 8; ++i) {
    const auto target = files.read_link(path);
    if (!target) break;
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    path = (parent / *target).lexically_normal().string();
  }
  return path;
}

// Adds what lies below `parent` under a name that starts with `prefix`.
Result<void> add_all(const system::Files& files, const std::string& parent, std::string_view prefix,
                     std::vector<Rocm>& found) {
  const auto names = list_optional(files, parent);
  if (!names) return fail(names.error());
  for (const std::string& name : *names) {
    if (!name.starts_with(prefix)) continue;
    const std::string path = parent + "/" + name;
    const auto info = files.look(path);
    if (!info) return fail(info.error());
    if (info->kind != system::Kind::directory) continue;  // a link is only another name
    auto version = version_in(files, path);
    if (!version) return fail(version.error());
    if (!version->empty()) found.push_back({path, *version, false});
  }
  return {};
}

// Marks where `link` leads. A directory in its place that holds a version is an installation of its own,
// unless it is the copy that a captured machine has where the machine had a link.
Result<bool> mark_default(const system::Files& files, const std::string& link, std::vector<Rocm>& found) {
  const std::string path = target_of(files, link);
  auto at = std::find_if(found.begin(), found.end(), [&](const Rocm& rocm) { return rocm.path == path; });
  if (at == found.end()) {
    const auto version = version_in(files, path);
    if (!version) return fail(version.error());
    if (version->empty()) return false;
    at = std::find_if(found.begin(), found.end(), [&](const Rocm& rocm) { return rocm.version == *version; });
    if (at == found.end()) at = found.insert(at, {path, *version, false});
  }
  at->is_default = true;
  return true;
}

}  // namespace

Result<std::vector<Rocm>> read_rocm(const system::Files& files) {
  std::vector<Rocm> found;
  if (auto added = add_all(files, "/opt", "rocm-", found); !added) return fail(added.error());
  if (auto added = add_all(files, "/opt/rocm", "core-", found); !added) return fail(added.error());
  const auto marked = mark_default(files, "/opt/rocm", found);
  if (!marked) return fail(marked.error());
  if (!*marked) {
    if (const auto core = mark_default(files, "/opt/rocm/core", found); !core) return fail(core.error());
  }
  return found;
}

}  // namespace fettle::facts
