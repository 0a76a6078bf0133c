// Manifest: the exact files of one model repository at one commit, with their sizes and what they must hash
// to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace fettle::shelf {

struct File {
  std::string path;  // inside the repository: "model-00001-of-00002.safetensors"
  Bytes size;
  std::string blob;  // 64 hex digits: SHA-256 of the content; 40: SHA-1 as git computes it for a blob
};

struct Manifest {
  std::string id;        // "Qwen/Qwen3-0.6B"
  std::string revision;  // commit, 40 hex digits
  std::string ref;       // the branch that publishing points at it: "main"
  std::vector<File> files;
};

bool is_commit(std::string_view text);
bool is_blob_name(std::string_view text);

// malformed unless it is "owner/name" as the hub has them: letters, digits, "-", "_", ".", at most 96 each,
// no "--".
Result<void> check_id(std::string_view id);

// malformed unless every name in it can be used: see archive::check_path. Also when a path stands twice, when
// one blob has two sizes, or when there is no file.
Result<void> check(const Manifest& manifest);

// Each blob once, the largest first.
std::vector<File> blobs_of(const Manifest& manifest);
Bytes total_of(const std::vector<File>& files);

// Those that git itself holds, config.json and its like: small. At most 200, because they stand on one
// command line; without names that look like options.
std::vector<File> small_files(const std::vector<File>& files);

// The files that any of `include` matches (all, when it is empty) and none of `exclude`, by the client's own
// rules: "*" matches "/" too, and a pattern that ends in "/" means everything below.
std::vector<File> select(std::vector<File> files, const std::vector<std::string>& include,
                         const std::vector<std::string>& exclude);

// The answer of `hf models ls ID -R --format json`. Its names are as the hub sent them: check() before use.
Result<std::vector<File>> parse_listing(std::string_view json, std::string_view id);

// The first entry of a shelf archive, and its text.
inline constexpr std::string_view archive_manifest_name = "fettle-shelf.json";
inline constexpr Bytes archive_manifest_limit{64U << 20U};  // 219,400 files need 40 MiB
Result<std::vector<Manifest>> parse_archive_manifest(std::string_view json);
// The same list from elsewhere; `what` begins the sentence of an error: "'/etc/…/tiny.lock'".
Result<std::vector<Manifest>> parse_manifests(std::string_view json, const std::string& what);
std::string to_json(const std::vector<Manifest>& manifests);

}  // namespace fettle::shelf
