// Pack: compiled code as an archive, and back. It is code that containers run as root: an archive is foreign
// until it was looked at whole, and what it is for must be what this node has.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "jit/look.h"

namespace fettle::jit {

// Writes the cache as a tar, by ".zst" at the path's end compressed: first the manifest, then the files.
// Locks stay out, and so do links that lead out. refused while somebody compiles there.
struct Exported {
  Manifest manifest;
  std::vector<std::string> left_out;  // links that lead out
};
Result<Exported> export_cache(const system::Files& files, const profile::Profile& profile,
                              const Cached& cached, std::string_view gfx, std::string_view path);

// A difference that somebody may say is fine.
enum class Difference { gfx, image };

struct Expectation {
  Result<std::string> gfx;      // of this node; an error is a difference too
  std::string image;            // the digest it is meant for; empty = whatever the archive says
  std::set<Difference> accept;  // an accepted image is replaced by the expected one
};

struct Imported {
  Manifest manifest;
  std::string path;         // where it lies now
  std::uint64_t added = 0;  // files and directories that were moved there
  std::uint64_t there = 0;  // those that were there already; never replaced
};

// Unpacks beside the cache, behind a closed directory, and moves it there only when all of it was good: the
// place of an image in one step; into a cache that images share name by name, where each name is whole.
// Errors say what in the archive was wrong; then nothing of it is left.
Result<Imported> import_archive(const system::System& system, const profile::Profile& profile,
                                std::string_view path, const Expectation& expectation);

}  // namespace fettle::jit
