#include "jit/pack.h"

#include <fcntl.h>

#include <algorithm>

#include "archive/reader.h"
#include "archive/staging.h"
#include "archive/writer.h"
#include "base/text.h"
#include "jit/place.h"
#include "profile/compiled.h"

namespace fettle::jit {
namespace {

using system::Files;
using system::Kind;

constexpr std::string_view manifest_entry = "fettle-jit.json";
constexpr std::string_view top = "files";
// An image's kernels are some GB; Triton's cache of many models has some 100 000 small files.
constexpr archive::Limits limits{1'000'000, Bytes{256ULL << 30U}, 100};
constexpr int deepest = 64;

Result<void> no_tick() {
  return {};
}

struct File {
  std::string name;  // below the cache
  Bytes size;
  std::string target;  // of a link
};

// Everything that an archive may hold, by name.
class Collector {
 public:
  Collector(const Files& files, const Cached& cached, const profile::CacheDirectory& wanted)
      : files_(files), cached_(cached), wanted_(wanted) {}

  Result<void> take(const std::string& prefix = {}, int depth = 0) {
    const std::string here = cached_.path + (prefix.empty() ? "" : "/" + prefix);
    if (depth == deepest)
      return fail(Why::refused, "cannot go deeper than '" + here + "'", "look what it is");
    const auto names = files_.list(here);
    if (!names) return fail(names.error());
    for (const std::string& name : *names) {
      if (name.starts_with(".fettle-") || is_lock(wanted_, name)) continue;
      const std::string path = prefix.empty() ? name : prefix + "/" + name;
      const auto info = files_.look(here + "/" + name);
      if (!info) return fail(info.error());
      if (info->kind == Kind::directory) {
        if (auto taken = take(path, depth + 1); !taken) return taken;
      } else if (info->kind == Kind::file) {
        found.push_back({path, info->size, {}});
      } else if (auto taken = take_link(path, here + "/" + name, info->kind); !taken) {
        return taken;
      }
    }
    return {};
  }

  std::vector<File> found;
  std::vector<std::string> left_out;

 private:
  Result<void> take_link(const std::string& path, const std::string& full, Kind kind) {
    if (kind == Kind::link) {
      const auto target = files_.read_link(full);
      if (!target) return fail(target.error());
      if (archive::check_link(std::string(top) + "/" + path, *target)) {
        found.push_back({path, {}, *target});
        return {};
      }
    }
    left_out.push_back(path);
    return {};
  }

  const Files& files_;
  const Cached& cached_;
  const profile::CacheDirectory& wanted_;
};

Result<void> nobody_compiles(const Cached& cached) {
  for (const Lock& lock : cached.locks) {
    if (lock.use == Use::idle) continue;
    return fail(
        Why::refused,
        "cannot export " + cached.name() + ": '" + lock.path + "' is " +
            (lock.use == Use::used ? "held by somebody who compiles" : "a lock of which nobody knows"),
        "try again when that is done");
  }
  return {};
}

// What the archive is for must be what is here.
Result<void> fits(const Manifest& manifest, const profile::CacheDirectory& wanted,
                  const Expectation& expectation, std::string_view path) {
  const std::string who = "cannot import '" + std::string(path) + "': ";
  const bool is_of_image = !manifest.image.empty();
  if (is_of_image != is_place_of_images(wanted)) {
    return fail(Why::refused, who + "it " + (is_of_image ? "is" : "is not") + " for one image, and '" +
                                  wanted.name + "' of this profile is otherwise");
  }
  if (expectation.accept.count(Difference::gfx) == 0) {
    const std::string hint =
        "compiled code runs on what it was made for; `--accept gfx` takes it all the same";
    if (!expectation.gfx)
      return fail(Why::refused, who + "it is for " + manifest.gfx + ", and " + expectation.gfx.error().said,
                  hint);
    if (*expectation.gfx != manifest.gfx)
      return fail(Why::refused, who + "it is for " + manifest.gfx + ", and this node has " + *expectation.gfx,
                  hint);
  }
  if (is_of_image && !expectation.image.empty() && expectation.image != manifest.image &&
      expectation.accept.count(Difference::image) == 0) {
    return fail(
        Why::refused, who + "it is for the image " + manifest.image + ", not " + expectation.image,
        "another image may have another AITER, ROCm or Python; `--accept image` takes it for that one");
  }
  return {};
}

// The first entry, or why it is none of ours.
Result<Manifest> first_entry(archive::Reader& reader, std::string_view path) {
  const auto entry = reader.next();
  if (!entry) return fail(entry.error());
  if (!*entry || (*entry)->path != manifest_entry || (*entry)->kind != archive::EntryKind::file) {
    return fail(
        Why::malformed,
        "cannot import '" + std::string(path) + "': it does not begin with " + std::string(manifest_entry),
        "only what `fettle jit export` wrote can be taken");
  }
  const auto text = reader.text(64_KiB);
  if (!text) return fail(text.error());
  return read_manifest(*text, "'" + std::string(manifest_entry) + "' in '" + std::string(path) + "'");
}

Result<void> unpack(archive::Reader& reader, archive::Staging& staging, const Manifest& manifest,
                    const profile::CacheDirectory& wanted, std::string_view path) {
  std::uint64_t files = 0;
  Bytes bytes;
  while (true) {
    const auto entry = reader.next();
    if (!entry) return fail(entry.error());
    if (!*entry) break;
    const std::string& name = (*entry)->path;
    const std::string_view last = std::string_view(name).substr(name.find_last_of('/') + 1);
    if (!name.starts_with(std::string(top) + "/") || last.starts_with(".fettle-") || is_lock(wanted, last)) {
      return fail(Why::malformed,
                  "cannot import '" + std::string(path) + "': '" + name + "' does not belong into it",
                  "only what `fettle jit export` wrote can be taken");
    }
    if ((*entry)->kind != archive::EntryKind::directory) ++files;
    bytes += (*entry)->size;
    if (auto put = staging.put(reader, **entry, no_tick); !put)
      return fail(while_doing("import '" + std::string(path) + "'", put.error()));
  }
  if (files == manifest.files && bytes == manifest.bytes) return {};
  return fail(Why::malformed,
              "cannot import '" + std::string(path) + "': it holds " + count_of(files, "file") + " of " +
                  to_text(bytes) + ", and says " + std::to_string(manifest.files) + " of " +
                  to_text(manifest.bytes),
              "is it complete?");
}

// What is there stays: two names that hash the same content are the same.
Result<void> merge(const Files& files, const std::string& from, const std::string& to, Imported& out,
                   int depth = 0) {
  if (depth == deepest) return fail(Why::refused, "cannot go deeper than '" + to + "'", {});
  const auto names = files.list(from);
  if (!names) return fail(names.error());
  for (const std::string& name : *names) {
    const std::string source = from + "/" + name;
    const std::string target = to + "/" + name;
    const auto there = files.look(target);
    if (!there && there.error().why != Why::missing) return fail(there.error());
    if (!there) {
      if (auto moved = files.rename(source, target); !moved) return moved;
      ++out.added;
      continue;
    }
    const auto here = files.look(source);
    if (!here) return fail(here.error());
    if (here->kind == Kind::directory && there->kind == Kind::directory) {
      if (auto merged = merge(files, source, target, out, depth + 1); !merged) return merged;
    } else {
      ++out.there;
    }
  }
  return {};
}

}  // namespace

Result<Exported> export_cache(const Files& files, const profile::Profile& profile, const Cached& cached,
                              std::string_view gfx, std::string_view path) {
  const auto wanted = find_directory(profile, cached.cache);
  if (!wanted) return fail(wanted.error());
  if (is_place_of_images(**wanted) && !cached.manifest) {
    return fail(Why::refused, "cannot export " + cached.name() + ": nobody knows of which image it is",
                "`fettle jit seed` makes one that is known");
  }
  if (auto quiet = nobody_compiles(cached); !quiet) return fail(quiet.error());
  Collector collector(files, cached, **wanted);
  if (auto taken = collector.take(); !taken) return fail(taken.error());

  Exported out;
  out.left_out = std::move(collector.left_out);
  if (cached.manifest) out.manifest = *cached.manifest;
  out.manifest.cache = cached.cache;
  if (!cached.manifest) out.manifest.gfx = gfx;
  out.manifest.files = collector.found.size();
  for (const File& file : collector.found) out.manifest.bytes += file.size;

  auto writer = archive::Writer::create(files, path, archive::compression_of(path));
  if (!writer) return fail(writer.error());
  if (auto done = writer->add_text(manifest_entry, to_json(out.manifest)); !done) return fail(done.error());
  for (const File& file : collector.found) {
    const std::string name = std::string(top) + "/" + file.name;
    auto done = file.target.empty()
                    ? writer->add_file(name, cached.path + "/" + file.name, file.size, no_tick)
                    : writer->add_link(name, file.target);
    if (!done) return fail(while_doing("export " + cached.name(), done.error()));
  }
  if (auto done = writer->finish(); !done) return fail(done.error());
  return out;
}

Result<Imported> import_archive(const system::System& system, const profile::Profile& profile,
                                std::string_view path, const Expectation& expectation) {
  auto reader = archive::Reader::open(system.files, path, limits);
  if (!reader) return fail(reader.error());
  auto manifest = first_entry(*reader, path);
  if (!manifest) return fail(manifest.error());
  const auto wanted = find_directory(profile, manifest->cache);
  if (!wanted) return fail(while_doing("cannot import '" + std::string(path) + "'", wanted.error()));
  if (auto good = fits(*manifest, **wanted, expectation, path); !good) return fail(good.error());
  if (!manifest->image.empty() && !expectation.image.empty()) manifest->image = expectation.image;

  auto place = Place::claim(system, profile, **wanted, manifest->image, manifest->gfx);
  if (!place) return fail(place.error());
  auto staging = archive::Staging::make(system.files, place->parent(), "jit", archive::Durable::at_sync);
  if (!staging) return fail(staging.error());
  if (auto done = unpack(*reader, *staging, *manifest, **wanted, path); !done) return fail(done.error());

  if (auto done = staging->sync(); !done) return fail(done.error());

  Imported out;
  out.manifest = *manifest;
  out.path = place->path();
  const std::string staged = staging->path_of(top);
  if (manifest->files == 0) return out;
  if (!manifest->image.empty()) {
    if (auto put = place->put(staged, *manifest); !put) return fail(put.error());
    out.added = manifest->files;
    return out;
  }
  if (auto merged = merge(system.files, staged, out.path, out); !merged) return fail(merged.error());
  return out;
}

}  // namespace fettle::jit
