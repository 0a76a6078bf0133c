#include "jit/seed.h"

#include <algorithm>

#include "archive/entry.h"
#include "archive/staging.h"
#include "base/json.h"
#include "base/text.h"
#include "jit/place.h"
#include "profile/compiled.h"

namespace fettle::jit {
namespace {

using system::Completed;
using system::Files;
using system::Kind;

constexpr int deepest = 64;
constexpr std::string_view top = "files";

// Prints where the package lies, without importing it (that would look for GPUs), and the ROCm of the image.
constexpr std::string_view where_is =
    "import importlib.util, pathlib, sys\n"
    "spec = importlib.util.find_spec(sys.argv[1])\n"
    "print(list(spec.submodule_search_locations)[0] if spec else '')\n"
    "version = pathlib.Path('/opt/rocm/.info/version')\n"
    "print(version.read_text().strip() if version.is_file() else '')\n";

// docker or podman, whose command lines are alike here.
class Program {
 public:
  static Result<Program> find(const system::System& system) {
    for (const char* const path : {"/usr/bin/docker", "/usr/bin/podman"}) {
      const auto is_there = system.files.exists(path);
      if (!is_there) return fail(is_there.error());
      if (*is_there) return Program(system.runner, path);
    }
    return fail(Why::missing, "cannot look into an image: neither docker nor podman is in /usr/bin");
  }

  // What it printed; an error with its words unless it ended with 0.
  Result<std::string> ask(std::vector<std::string> arguments, std::chrono::seconds deadline) const {
    system::Command command{{path_}, {}, deadline};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    const auto done = runner_.run(command);
    if (!done) return fail(done.error());
    if (done->exit_code == 0) return done->out;
    return fail(Why::failed, "cannot run '" + path_ + " " + arguments.front() + "': it ended with " +
                                 std::to_string(done->exit_code) + ": " + std::string(trim(done->err)));
  }

 private:
  Program(system::Runner& runner, std::string path) : runner_(runner), path_(std::move(path)) {}

  system::Runner& runner_;
  std::string path_;
};

struct Image {
  std::string id;      // what this node calls it
  std::string digest;  // what every node calls it
  bool is_published = false;
};

Result<Image> identify(const Program& program, const std::string& image) {
  const auto told =
      program.ask({"image", "inspect", "--format", "{{json .}}", image}, std::chrono::seconds(30));
  if (!told) {
    Error error = while_doing("find the image '" + image + "' on this node", told.error());
    error.why = Why::missing;
    error.hint = "pull it first: its code can only be copied from what is here";
    return fail(std::move(error));
  }
  const auto value = parse_json(*told, "what is known of the image '" + image + "'");
  if (!value) return fail(value.error());
  Image out;
  out.id = json_text(*value, "Id");
  if (!out.id.starts_with("sha256:")) out.id = "sha256:" + out.id;
  // Of one that was built or named here, and never pushed under that name: it means nothing elsewhere.
  out.digest = out.id;
  const std::string name = image.substr(0, image.find('@'));
  const auto colon = name.find(':', name.find_last_of('/') == std::string::npos ? 0 : name.find_last_of('/'));
  const std::string repository = name.substr(0, colon);
  for (const boost::json::value& each : json_list(*value, "RepoDigests")) {
    const std::string text = each.is_string() ? std::string(each.get_string()) : std::string();
    const auto at = text.find('@');
    if (at == std::string::npos || out.is_published) continue;
    // Podman writes the registry out. A digest that another repository has may be of another packing.
    const std::string_view from(text.data(), at);
    out.is_published = from == repository || from == "docker.io/" + repository;
    if (out.is_published) out.digest = text.substr(at + 1);
  }
  if (profile::is_digest(out.digest) && profile::is_digest(out.id)) return out;
  return fail(Why::malformed, "cannot tell the digest of the image '" + image + "'", {});
}

// Nothing but files, directories and links that stay inside; its size.
Result<void> check(const Files& files, const profile::CacheDirectory& wanted, const std::string& path,
                   const std::string& name, Manifest& out, int depth = 0) {
  if (depth == deepest) return fail(Why::refused, "cannot go deeper than '" + path + "'");
  const auto names = files.list(path);
  if (!names) return fail(names.error());
  for (const std::string& each : *names) {
    const std::string here = path + "/" + each;
    const auto info = files.look(here);
    if (!info) return fail(info.error());
    if (info->kind == Kind::directory) {
      if (auto good = check(files, wanted, here, name + "/" + each, out, depth + 1); !good) return good;
      continue;
    }
    if (info->kind == Kind::file && is_lock(wanted, each)) {
      if (auto removed = files.remove(here); !removed) return fail(removed.error());
      continue;
    }
    if (info->kind == Kind::link) {
      const auto target = files.read_link(here);
      if (!target) return fail(target.error());
      if (auto inside = archive::check_link(name + "/" + each, *target); !inside) return inside;
    } else if (info->kind != Kind::file) {
      return fail(Why::refused, "cannot take '" + here + "': it is neither a file, a directory nor a link");
    }
    ++out.files;
    out.bytes += info->size;
  }
  return {};
}

// The directory of the package in the image; fills in the image's ROCm.
Result<std::string> find_package(const Program& program, const Image& image, const std::string& seed,
                                 Manifest& out) {
  const std::string package = seed.substr(0, seed.find('/'));
  const auto told = program.ask({"run", "--rm", "--pull", "never", "--network", "none", "--entrypoint",
                                 "python3", image.id, "-c", std::string(where_is), package},
                                std::chrono::minutes(2));
  if (!told) return fail(while_doing("find '" + package + "' in the image", told.error()));
  const auto said = lines(*told);
  const std::string path(said.empty() ? std::string_view() : trim(said[0]));
  if (!path.starts_with("/") || !archive::check_path(path.substr(1))) {
    return fail(Why::refused, "cannot seed from the image: it has no Python package '" + package + "'",
                "is it an image of an engine for ROCm?");
  }
  const std::string_view rocm = said.size() > 1 ? trim(said[1]) : std::string_view();
  out.rocm = rocm.substr(0, rocm.find('-'));
  return path + seed.substr(package.size());
}

Result<void> copy_out(const Program& program, const Image& image, const std::string& from,
                      const std::string& to) {
  // A word to run, which never is: docker makes no container of an image that names none.
  const auto container = program.ask({"create", "--pull", "never", "--network", "none", image.id, "true"},
                                     std::chrono::minutes(2));
  if (!container) return fail(container.error());
  const std::string id(trim(*container));
  auto copied = program.ask({"cp", id + ":" + from + "/.", to}, std::chrono::minutes(10));
  const auto removed = program.ask({"rm", id}, std::chrono::minutes(2));
  if (!copied) return fail(copied.error());
  if (!removed) return fail(removed.error());
  return {};
}

}  // namespace

Result<std::vector<Seeded>> seed(const system::System& system, const profile::Profile& profile,
                                 std::string_view image, std::string_view gfx, std::string_view engine) {
  std::vector<const profile::CacheDirectory*> wanted;
  for (const profile::CacheDirectory& each : profile.caches) {
    if (!each.seed.empty()) wanted.push_back(&each);
  }
  if (wanted.empty()) {
    return fail(Why::missing,
                "cannot seed anything: no cache of the profile says where an image has its code",
                "'seed' of an entry of 'caches'");
  }
  const auto program = Program::find(system);
  if (!program) return fail(program.error());
  const auto known = identify(*program, std::string(image));
  if (!known) return fail(known.error());
  std::vector<Seeded> all;
  for (const profile::CacheDirectory* const each : wanted) {
    const auto place = Place::claim(system, profile, *each, known->digest, gfx);
    if (!place) return fail(place.error());
    Manifest manifest;
    manifest.cache = each->name;
    manifest.gfx = gfx;
    manifest.image = known->digest;
    if (known->is_published) manifest.reference = image;
    manifest.engine = engine;
    const auto from = find_package(*program, *known, each->seed, manifest);
    if (!from) return fail(from.error());
    auto staging = archive::Staging::make(system.files, place->parent(), "jit");
    if (!staging) return fail(staging.error());
    const std::string staged = staging->path_of(top);
    if (auto made = system.files.make_directory(staged, 0755); !made) return fail(made.error());
    if (auto copied = copy_out(*program, *known, *from, system.files.host_path(staged)); !copied)
      return fail(copied.error());
    if (auto good = check(system.files, *each, staged, std::string(top), manifest); !good)
      return fail(while_doing("take the code of the image", good.error()));
    // What a container engine copied is not on the drive yet, and half a kernel would stay for good.
    if (auto done = staging->sync(); !done) return fail(done.error());
    if (auto put = place->put(staged, manifest); !put) return fail(put.error());
    all.push_back({std::move(manifest), place->path()});
  }
  return all;
}

}  // namespace fettle::jit
