#include "jit/look.h"

#include <fnmatch.h>

#include <algorithm>

#include "facts/readers.h"
#include "jit/place.h"
#include "profile/compiled.h"
#include "system/directory.h"
#include "system/in_use.h"

namespace fettle::jit {
namespace {

using system::Directory;
using system::Files;
using system::Kind;

// Compilers make trees of some ten levels.
constexpr int deepest = 64;

class Walk {
 public:
  Walk(const Files& files, const profile::CacheDirectory& wanted, Cached& out)
      : files_(files), wanted_(wanted), out_(out) {}

  void take(const std::string& path, int depth = 0) {
    if (depth == deepest) return keep({Why::refused, "cannot go deeper than '" + path + "'", {}});
    const auto directory = Directory::open(files_, path);
    if (!directory) return keep(directory.error());
    std::vector<std::string> names;
    const auto listed =
        directory->each([&](const Directory::Entry& entry) { names.emplace_back(entry.name); });
    if (!listed) return keep(listed.error());
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      if (name == manifest_file) continue;
      const auto info = directory->look(name);
      if (!info && info.error().why == Why::missing) continue;  // gone meanwhile
      if (!info) {
        keep(info.error());
      } else if (info->kind == Kind::directory) {
        take(path + "/" + name, depth + 1);
      } else {
        see(path + "/" + name, name, *info);
      }
    }
  }

 private:
  void see(const std::string& path, const std::string& name, const system::Info& info) {
    if (info.kind == Kind::file && is_lock(wanted_, name)) {
      out_.locks.push_back({path, ask(path)});
      return;
    }
    ++out_.files;
    out_.bytes += info.size;
    out_.newest = std::max(out_.newest, info.modified);
    if (info.kind == Kind::file && out_.use != Use::used) {
      const Use use = ask(path);
      if (use != Use::idle) out_.use = use;
    }
  }

  Use ask(const std::string& path) {
    const auto used = system::is_in_use(files_, path);
    if (used) return *used ? Use::used : Use::idle;
    if (used.error().why == Why::missing) return Use::idle;
    keep(used.error());
    return Use::unknown;
  }

  void keep(Error error) {
    if (out_.use == Use::idle) out_.use = Use::unknown;
    if (!out_.error) out_.error = std::move(error);
  }

  const Files& files_;
  const profile::CacheDirectory& wanted_;
  Cached& out_;
};

Cached look_at(const Files& files, const profile::CacheDirectory& wanted, std::string path, std::string key) {
  Cached out;
  out.cache = wanted.name;
  out.key = std::move(key);
  out.path = std::move(path);
  if (!out.key.empty()) {
    const std::string where = out.path + "/" + std::string(manifest_file);
    if (const auto text = files.read(where, 64_KiB)) {
      if (auto manifest = read_manifest(*text, "'" + where + "'")) {
        out.manifest = std::move(*manifest);
      } else {
        out.error = manifest.error();
      }
    } else if (text.error().why != Why::missing) {
      out.error = text.error();
    }
  }
  Walk(files, wanted, out).take(out.path);
  return out;
}

}  // namespace

std::string_view to_text(Use use) {
  return use == Use::idle ? "idle" : use == Use::used ? "in use" : "unknown";
}

bool is_lock(const profile::CacheDirectory& directory, std::string_view name) {
  const std::string text(name);
  return std::any_of(directory.locks.begin(), directory.locks.end(), [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), text.c_str(), FNM_EXTMATCH) == 0;
  });
}

std::vector<Cached> look(const Files& files, const profile::Profile& profile) {
  std::vector<Cached> all;
  if (!profile.cache) return all;
  for (const profile::CacheDirectory& wanted : profile.caches) {
    if (wanted.compiled == profile::Compiled::no) continue;
    const std::string top = profile.cache->path + "/" + wanted.name;
    const auto info = files.look(top);
    if (!info && info.error().why == Why::missing) continue;
    if (!is_place_of_images(wanted)) {
      all.push_back(look_at(files, wanted, top, {}));
      continue;
    }
    const auto names = files.list(top);
    if (!names) {
      Cached unknown;
      unknown.cache = wanted.name;
      unknown.path = top;
      unknown.use = Use::unknown;
      unknown.error = names.error();
      all.push_back(std::move(unknown));
      continue;
    }
    for (const std::string& name : *names) {
      const auto entry = files.look(top + "/" + name);
      if (entry && entry->kind == Kind::directory && !name.starts_with(".fettle-"))
        all.push_back(look_at(files, wanted, top + "/" + name, name));
    }
  }
  return all;
}

Result<Cached> find(const std::vector<Cached>& all, std::string_view name) {
  std::string known;
  for (const Cached& each : all) {
    if (each.name() == name) return each;
    known += (known.empty() ? "" : ", ") + each.name();
  }
  return fail(Why::missing, "cannot find the cache '" + std::string(name.substr(0, 128)) + "'",
              known.empty() ? "there is none on this node yet" : "there are " + known);
}

std::optional<Manifest> seeded(const Files& files, const profile::Profile& profile, std::string_view image) {
  std::optional<Manifest> found;
  std::chrono::system_clock::time_point when{};
  if (!profile.cache) return found;
  for (const profile::CacheDirectory& wanted : profile.caches) {
    if (!is_place_of_images(wanted)) continue;
    const std::string top = profile.cache->path + "/" + wanted.name;
    const auto names = files.list(top);
    if (!names) continue;
    for (const std::string& name : *names) {
      const std::string path = top + "/" + name + "/" + std::string(manifest_file);
      const auto text = files.read(path, 64_KiB);
      const auto info = files.look(path);
      if (!text || !info) continue;
      auto manifest = read_manifest(*text, path);
      if (!manifest || profile::image_key(manifest->image, manifest->gfx) != name) continue;
      if (manifest->image != image && manifest->reference != image) continue;
      if (found && info->modified <= when) continue;
      found = std::move(*manifest);
      when = info->modified;
    }
  }
  return found;
}

Result<std::string> gfx_of_node(const Files& files, const profile::Profile& profile) {
  const auto gpus = facts::read_gpus_on_pci(files);
  if (!gpus) return fail(gpus.error());
  std::string gfx;
  for (const facts::Gpu& gpu : *gpus) {
    for (const profile::GpuModel& model : profile.gpu_models) {
      if (model.pci_device != gpu.pci_device || model.gfx == gfx) continue;
      if (!gfx.empty()) {
        return fail(Why::refused, "cannot tell the architecture: this node has " + gfx + " and " + model.gfx,
                    "compiled code is for one of them");
      }
      gfx = model.gfx;
    }
  }
  if (gfx.empty()) {
    return fail(Why::missing, "cannot tell the architecture: PCI shows no GPU that gpus.yaml knows",
                "`fettle check gpu` tells more");
  }
  return gfx;
}

}  // namespace fettle::jit
