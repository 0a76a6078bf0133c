#include "shelf/folder.h"

#include <algorithm>
#include <map>

#include "archive/entry.h"
#include "system/directory.h"

namespace fettle::shelf {
namespace {

using system::Directory;
using system::Kind;

// The hub allows deep folders; a tree that is deeper than this was made to hurt.
constexpr unsigned deepest = 32;

bool is_of_a_tool(const std::string& prefix, std::string_view name) {
  return prefix.empty() && (name == ".cache" || name == ".git");
}

Result<void> list(const Directory& directory, const std::string& prefix, unsigned depth,
                  std::vector<File>& all) {
  if (depth > deepest)
    return fail(Why::malformed, "cannot look below '" + directory.path() + "': the folders are too deep",
                "is it a copy of itself in itself? copy the model anew");
  std::vector<std::string> names;
  const auto listed = directory.each([&](const Directory::Entry& entry) {
    if (!is_of_a_tool(prefix, entry.name)) names.emplace_back(entry.name);
  });
  if (!listed) return listed;
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (auto fine = archive::check_path(prefix + name); !fine) return fine;
    const auto info = directory.look(name);
    if (!info) return fail(info.error());
    if (info->kind == Kind::directory) {
      const auto below = directory.open(name);
      if (!below) return fail(below.error());
      if (auto done = list(*below, prefix + name + "/", depth + 1, all); !done) return done;
    } else if (info->kind == Kind::file) {
      all.push_back({prefix + name, info->size, {}});
    } else {
      return fail(Why::refused,
                  "cannot take '" + directory.path() + "/" + name + "': it is " +
                      (info->kind == Kind::link ? "a link" : "a device, a pipe or a socket"),
                  "a folder of a model holds only files and folders: copy it anew, with the files in place "
                  "of links");
    }
  }
  return {};
}

}  // namespace

Result<std::vector<File>> list_folder(const system::Files& files, std::string_view path) {
  const auto top = Directory::open(files, path);
  if (!top) return fail(top.error());
  std::vector<File> all;
  if (auto listed = list(*top, "", 0, all); !listed) return fail(listed.error());
  std::sort(all.begin(), all.end(), [](const File& a, const File& b) { return a.path < b.path; });
  return all;
}

Result<void> check_case(const std::vector<File>& files) {
  std::map<std::string, std::string_view> seen;
  for (const File& file : files) {
    std::string folded = file.path;
    for (char& c : folded) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    const auto [other, is_new] = seen.emplace(std::move(folded), file.path);
    if (is_new) continue;
    return fail(Why::refused,
                "cannot take '" + std::string(other->second) + "' and '" + file.path +
                    "': they differ only in the case of their letters",
                "keep the one that belongs to the model, or leave one out with 'exclude'");
  }
  return {};
}

}  // namespace fettle::shelf
