#include "shelf/manifest.h"

#include <fnmatch.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>
#include <set>

#include "archive/entry.h"
#include "base/json.h"

namespace fettle::shelf {
namespace {

namespace json = boost::json;

bool is_hex(std::string_view text, std::size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool matches(std::string_view pattern, const std::string& path) {
  std::string whole(pattern);
  if (!whole.empty() && whole.back() == '/') whole += '*';
  return ::fnmatch(whole.c_str(), path.c_str(), FNM_NOESCAPE) == 0;
}

tl::unexpected<Error> bad(const Manifest& manifest, const std::string& because) {
  return fail(Why::malformed, "cannot use the file list of '" + manifest.id + "': " + because,
              "the source of this repository is broken or hostile");
}

// A count that is really there: a missing size must not become 0 bytes.
Result<Bytes> size_of(const json::value& item, std::string_view what) {
  const json::value* const field = json_field(item, "size");
  boost::system::error_code err;
  if (field != nullptr) {
    const auto size = field->to_number<std::uint64_t>(err);
    if (!err) return Bytes{size};
  }
  return fail(Why::malformed, "cannot read " + std::string(what) + ": a file has no size");
}

}  // namespace

bool is_commit(std::string_view text) {
  return is_hex(text, 40);
}
bool is_blob_name(std::string_view text) {
  return is_hex(text, 40) || is_hex(text, 64);
}

Result<void> check_id(std::string_view id) {
  const auto malformed = [&](std::string_view because) {
    return fail(
        Why::malformed,
        "cannot use '" + std::string(id.substr(0, 200)) + "' as a repository: " + std::string(because),
        "write it as the hub does: owner/name");
  };
  const auto slash = id.find('/');
  if (slash == std::string_view::npos || id.find('/', slash + 1) != std::string_view::npos)
    return malformed("it is not owner/name");
  for (const std::string_view part : {id.substr(0, slash), id.substr(slash + 1)}) {
    if (part.empty() || part.size() > 96) return malformed("a part is empty or longer than 96 characters");
    if (part.front() == '.' || part.front() == '-' || part.back() == '.' || part.back() == '-') {
      return malformed("a part begins or ends with '.' or '-'");
    }
    // Two hyphens separate owner and name in the cache's folder names.
    if (part.find("--") != std::string_view::npos || part.find("..") != std::string_view::npos) {
      return malformed("it has '--' or '..'");
    }
    for (const char c : part) {
      const bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        c == '-' || c == '_' || c == '.';
      if (!fine) return malformed("it has a character that the hub does not allow");
    }
  }
  return {};
}

Result<void> check(const Manifest& manifest) {
  if (auto fine = check_id(manifest.id); !fine) return fine;
  if (!is_commit(manifest.revision)) return bad(manifest, "its revision is not a commit of 40 hex digits");
  if (auto fine = archive::check_path(manifest.ref); !fine) return fine;
  if (manifest.files.empty()) return bad(manifest, "there is no file in it");
  std::set<std::string_view> paths;
  std::map<std::string_view, Bytes> sizes;
  constexpr std::uint64_t largest = 1ULL << 60U;
  Bytes total;
  for (const File& file : manifest.files) {
    if (auto fine = archive::check_path(file.path); !fine) return fine;
    if (!is_blob_name(file.blob)) return bad(manifest, "'" + file.path + "' has no SHA-256 or git hash");
    if (!paths.insert(file.path).second) return bad(manifest, "'" + file.path + "' stands in it twice");
    // 1 EiB, for one file and for all: sums stay far from the end of 64 bits.
    if (file.size.count > largest) return bad(manifest, "'" + file.path + "' is too large to be true");
    total += file.size;
    if (total.count > largest) return bad(manifest, "its files together are too large to be true");
    if (sizes.emplace(file.blob, file.size).first->second != file.size) {
      return bad(manifest, "'" + file.path + "' and another file have one hash and two sizes");
    }
  }
  return {};
}

std::vector<File> blobs_of(const Manifest& manifest) {
  std::vector<File> blobs;
  std::set<std::string_view> seen;
  for (const File& file : manifest.files) {
    if (seen.insert(file.blob).second) blobs.push_back(file);
  }
  std::stable_sort(blobs.begin(), blobs.end(), [](const File& a, const File& b) { return a.size > b.size; });
  return blobs;
}

Bytes total_of(const std::vector<File>& files) {
  Bytes total;
  for (const File& file : files) total += file.size;
  return total;
}

std::vector<File> small_files(const std::vector<File>& files) {
  constexpr std::size_t most = 200;
  std::vector<File> small;
  for (const File& file : files) {
    const bool is_git = file.blob.size() == 40;
    if (is_git && file.path.front() != '-' && small.size() < most) small.push_back(file);
  }
  return small;
}

std::vector<File> select(std::vector<File> files, const std::vector<std::string>& include,
                         const std::vector<std::string>& exclude) {
  const auto any = [](const std::vector<std::string>& patterns, const File& file) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& one) { return matches(one, file.path); });
  };
  std::vector<File> kept;
  for (File& file : files) {
    if ((include.empty() || any(include, file)) && !any(exclude, file)) kept.push_back(std::move(file));
  }
  return kept;
}

Result<std::vector<File>> parse_listing(std::string_view text, std::string_view id) {
  const std::string what = "the file list of '" + std::string(id) + "'";
  const auto value = parse_json(text, what);
  if (!value) return fail(value.error());
  const json::array* const items = value->if_array();
  if (items == nullptr) return fail(Why::malformed, "cannot read " + what + ": it is not a list");
  std::vector<File> files;
  for (const json::value& item : *items) {
    // Folders have a tree_id and no blob_id.
    if (json_field(item, "blob_id") == nullptr) continue;
    File file;
    file.path = json_text(item, "path");
    const json::value* const lfs = json_field(item, "lfs");
    const bool is_lfs = lfs != nullptr && lfs->is_object();
    const auto size = size_of(item, what);
    if (!size) return fail(size.error());
    file.size = *size;
    file.blob = is_lfs ? json_text(*lfs, "sha256") : json_text(item, "blob_id");
    files.push_back(std::move(file));
  }
  return files;
}

Result<std::vector<Manifest>> parse_archive_manifest(std::string_view text) {
  return parse_manifests(text, "the archive's '" + std::string(archive_manifest_name) + "'");
}

Result<std::vector<Manifest>> parse_manifests(std::string_view text, const std::string& what) {
  const auto value = parse_json(text, what);
  if (!value) return fail(value.error());
  if (json_count(*value, "format") != 1) {
    return fail(Why::malformed, "cannot read " + what + ": it is not of format 1",
                "is this fettle older than what wrote it?");
  }
  const json::value* const list = json_field(*value, "repositories");
  const json::array* const repositories = list == nullptr ? nullptr : list->if_array();
  if (repositories == nullptr)
    return fail(Why::malformed, "cannot read " + what + ": it has no 'repositories'");
  std::vector<Manifest> manifests;
  for (const json::value& repository : *repositories) {
    Manifest manifest{
        json_text(repository, "id"), json_text(repository, "revision"), json_text(repository, "ref"), {}};
    if (manifest.ref.empty()) manifest.ref = "main";
    const json::value* const files = json_field(repository, "files");
    if (files != nullptr && files->is_array()) {
      for (const json::value& item : files->get_array()) {
        const auto size = size_of(item, what);
        if (!size) return fail(size.error());
        manifest.files.push_back({json_text(item, "path"), *size, json_text(item, "blob")});
      }
    }
    if (auto fine = check(manifest); !fine) return fail(while_doing("read " + what, fine.error()));
    manifests.push_back(std::move(manifest));
  }
  if (manifests.empty()) return fail(Why::malformed, "cannot read " + what + ": it lists no repository");
  return manifests;
}

std::string to_json(const std::vector<Manifest>& manifests) {
  json::array repositories;
  for (const Manifest& manifest : manifests) {
    json::array files;
    for (const File& file : manifest.files) {
      files.push_back({{"path", file.path}, {"size", file.size.count}, {"blob", file.blob}});
    }
    repositories.push_back(
        {{"id", manifest.id}, {"revision", manifest.revision}, {"ref", manifest.ref}, {"files", files}});
  }
  return pretty_json(json::object{{"format", 1}, {"repositories", repositories}});
}

}  // namespace fettle::shelf
