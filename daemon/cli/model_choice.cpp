#include "cli/model_choice.h"

#include <algorithm>

#include "base/text.h"
#include "cli/shelves.h"
#include "cli/words.h"
#include "jit/look.h"
#include "models/compiled.h"
#include "models/config.h"
#include "models/image.h"
#include "models/run_line.h"
#include "profile/load.h"
#include "profile/rules.h"
#include "shelf/layout.h"

namespace fettle::cli {
namespace {

constexpr std::size_t most_names = 20'000;  // files of one repository; the largest on the shelf has 253
constexpr unsigned deepest_folder = 6;

// Names below `directory`, relative to it, and the size of what they lead to.
struct Contents {
  std::vector<std::string> names;
  Bytes size;
};

void walk(const system::Files& files, const std::string& directory, const std::string& prefix, unsigned depth,
          Contents& out) {
  const auto names = files.list(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    if (out.names.size() >= most_names) return;
    const auto info = files.look_through(directory + "/" + name);
    if (!info) continue;  // a link whose blob is not there yet
    if (info->kind == system::Kind::directory) {
      if (depth < deepest_folder) walk(files, directory + "/" + name, prefix + name + "/", depth + 1, out);
    } else {
      out.names.push_back(prefix + name);
      out.size += info->size;
    }
  }
}

// The directory that refs/main leads to, or the only snapshot.
std::optional<std::string> find_snapshot(const system::Files& files, const profile::Profile& profile,
                                         std::string_view id) {
  const shelf::Layout layout{profile.cache->path + "/hf"};
  const std::string snapshots = layout.repository(id) + "/snapshots";
  if (const auto ref = files.read(layout.repository(id) + "/refs/main", 1_KiB)) {
    const std::string_view commit = trim(*ref);
    if (profile::is_commit(commit)) return snapshots + "/" + std::string(commit);
  }
  const auto names = files.list(snapshots);
  if (names && names->size() == 1 && profile::is_commit(names->front()))
    return snapshots + "/" + names->front();
  return std::nullopt;
}

Result<std::optional<ChosenModel>> read_staged(const system::Files& files, const profile::Profile& profile,
                                               std::string_view id) {
  const auto snapshot = find_snapshot(files, profile, id);
  if (!snapshot) return std::optional<ChosenModel>();
  Contents contents;
  walk(files, *snapshot, "", 0, contents);
  if (contents.names.empty()) return std::optional<ChosenModel>();
  ChosenModel chosen;
  chosen.snapshot = *snapshot;
  chosen.from = "its files on this node";
  chosen.facts.id = id;
  chosen.facts.kind = models::kind_of(contents.names);
  chosen.facts.size = contents.size;
  chosen.facts.source = *snapshot;
  if (chosen.facts.kind != "transformers") return std::optional(std::move(chosen));
  const std::string path = *snapshot + "/config.json";
  const auto text = files.read(path, models::largest_config);
  if (!text) return fail(text.error());
  auto facts = models::read_config(*text, path, id, contents.size);
  if (!facts) return fail(facts.error());
  chosen.facts = std::move(*facts);
  chosen.from = "its config.json on this node";
  return std::optional(std::move(chosen));
}

const profile::ModelFacts* find_shipped(const Knowledge& knowledge, std::string_view id) {
  const auto& all = knowledge.tables.models;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const profile::ModelFacts& each) { return each.id == id; });
  return found == all.end() ? nullptr : &*found;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// Models whose name holds a part of what was asked for.
std::string alike(const Knowledge& knowledge, std::string_view id) {
  const auto slash = id.find('/');
  const std::string wanted = lower(slash == std::string_view::npos ? id : id.substr(slash + 1)).substr(0, 6);
  std::string names;
  for (const profile::ModelFacts& each : knowledge.tables.models) {
    if (lower(each.id).find(wanted) != std::string::npos) names += (names.empty() ? "" : ", ") + each.id;
  }
  return names;
}

std::string default_version(const Knowledge& knowledge, std::string_view engine) {
  for (const profile::EngineImage& each : knowledge.tables.rules.images) {
    if (each.engine == engine && !each.default_version.empty()) return each.default_version;
  }
  return {};
}

}  // namespace

void add_engine_options(Words& words, ModelOptions& options) {
  words.option("--engine", options.engine, "vllm or sglang, with a version: vllm=0.11.0");
  words.option("--image", options.image, "The container image that is meant: its reference or digest");
  words.option("--versions-file", options.versions_file,
               "The image's /app/versions.txt: which AITER is inside");
  words.option("--tp", options.tp, "Tensor-parallel ranks").within(1, 1024);
  words.option("--dp", options.dp, "Data-parallel ranks").within(1, 1024);
  words.flag("--ep", options.ep, Says::yes, "Experts are spread over the ranks");
  words.flag("--no-ep", options.ep, Says::no, "Experts are split like the rest");
  words.option("--set", options.set, "A variable of your own, NAME=VALUE; goes before every rule");
  words.option("--kv-cache-dtype", options.kv_cache_dtype, "As the engine takes it")
      .among({"auto", "fp8", "bfloat16"});
}

Result<Knowledge> load_knowledge(const Context& context) {
  profile::LoadedModels loaded = profile::load_models(context.system.files);
  if (!loaded.tables) {
    return fail(Why::malformed,
                "cannot load the rules of models: " + profile::to_text(loaded.complaints.front()),
                "`fettle profile check FILE` lists every mistake of a file");
  }
  Knowledge knowledge{std::move(*loaded.tables), {}, {}};
  if (auto profile = load_profile(context)) {
    knowledge.profile = std::move(*profile);
  } else {
    knowledge.profile_error = profile.error();
  }
  return knowledge;
}

Result<ChosenModel> find_model(const Context& context, const Knowledge& knowledge, std::string_view id) {
  if (!profile::repository_rule.fits(id)) {
    return fail(
        Why::malformed,
        "cannot take '" + std::string(id.substr(0, 80)) + "' for a model: that is no name of a repository",
        "OWNER/NAME as the hub writes it: zai-org/GLM-4.6");
  }
  if (knowledge.profile && knowledge.profile->cache) {
    auto staged = read_staged(context.system.files, *knowledge.profile, id);
    if (!staged) return fail(staged.error());
    if (*staged) return std::move(**staged);
  }
  if (const profile::ModelFacts* const shipped = find_shipped(knowledge, id)) {
    return ChosenModel{*shipped, "the facts that fettle ships", {}};
  }
  const std::string names = alike(knowledge, id);
  return fail(
      Why::missing,
      "cannot advise for '" + std::string(id) + "': it is not staged here, and fettle ships no facts of it",
      names.empty() ? "`fettle models list` shows the known ones; a staged model is read from its config.json"
                    : "alike are: " + names);
}

Result<models::Engine> find_engine(const Context& context, const Knowledge& knowledge,
                                   const ModelOptions& options) {
  models::Engine engine;
  if (!options.image.empty()) {
    auto named = models::engine_of_image(options.image);
    if (!named) return named;
    engine = std::move(*named);
  }
  if (!options.versions_file.empty()) {
    const auto text = context.system.files.read(options.versions_file, 64_KiB);
    if (!text) return fail(text.error());
    auto read = models::with_versions(std::move(engine), *text, options.versions_file);
    if (!read) return read;
    engine = std::move(*read);
  }
  if (!options.engine.empty()) {
    const auto mark = options.engine.find('=');
    const std::string name = options.engine.substr(0, mark);
    if (name != engine.name) engine.version.clear();
    engine.name = name;
    if (mark != std::string::npos) engine.version = options.engine.substr(mark + 1);
  }
  if (engine.name.empty() && options.image.empty()) engine.name = "vllm";
  if (engine.version.empty() && options.image.empty())
    engine.version = default_version(knowledge, engine.name);
  if (engine.version.empty()) {
    return fail(Why::missing,
                "cannot tell the version of the engine" + (engine.name.empty() ? "" : " " + engine.name),
                "--engine vllm=0.11.0, or --versions-file with the image's /app/versions.txt");
  }
  return engine;
}

Result<models::Wish> wish_of(const Context& context, const Knowledge& knowledge,
                             const ModelOptions& options) {
  auto engine = find_engine(context, knowledge, options);
  if (!engine) return fail(engine.error());
  models::Wish wish;
  wish.engine = std::move(*engine);
  wish.tp = options.tp;
  wish.dp = options.dp;
  wish.ep = options.ep;
  wish.kv_cache_dtype = options.kv_cache_dtype;
  for (const std::string& each : options.set) {
    const auto mark = each.find('=');
    if (mark == std::string::npos || !profile::variable_rule.fits(each.substr(0, mark))) {
      return fail(Why::malformed, "cannot set '" + each.substr(0, 80) + "'",
                  "NAME=VALUE; a name has A-Z, 0-9 and '_'");
    }
    wish.set[each.substr(0, mark)] = each.substr(mark + 1);
  }
  if (knowledge.profile) {
    if (knowledge.profile->gpus && knowledge.profile->gpus->count > 0)
      wish.node.gpus = knowledge.profile->gpus->count;
  }
  return wish;
}

Result<ChosenImage> find_image(const Knowledge& knowledge, const ModelOptions& options,
                               const models::Engine& engine) {
  const auto version = parse_release(engine.version);
  std::string published;
  for (const profile::EngineImage& each : knowledge.tables.rules.images) {
    if (each.engine != engine.name) continue;
    published += (published.empty() ? "" : ", ") + each.versions.text();
    // An image of another's name may have another entry: the first word of its path tells the families apart.
    const std::string family = each.reference.substr(0, each.reference.find(':'));
    const bool is_of_family = options.image.rfind(family, 0) == 0;
    if (!options.image.empty() ? !is_of_family : !version || !each.versions.contains(*version)) continue;
    std::string reference = options.image.empty() ? each.reference : options.image;
    constexpr std::string_view placeholder = "{version}";
    if (const auto at = reference.find(placeholder); at != std::string::npos)
      reference.replace(at, placeholder.size(), engine.version);
    return ChosenImage{reference, each.entry, each.source};
  }
  if (!options.image.empty()) {
    return ChosenImage{options.image, "shell",
                       "named on the command line; it is taken for one that starts no server by itself"};
  }
  return fail(Why::missing,
              "cannot name an image with " + engine.name + " " + engine.version + ": none is known",
              "--image REFERENCE; images are known for " + published);
}

std::string lead_to_compiled(const Context& context, const Knowledge& knowledge, std::string_view model,
                             const std::string& reference, models::Advice& advice) {
  const auto at = reference.find('@');
  const std::string named = at == std::string::npos ? reference : reference.substr(at + 1);
  models::Image image{named, knowledge.tables.rules.gfx, models::container_name(model), {}};
  std::string exact = reference;
  if (const auto manifest = jit::seeded(context.system.files, *knowledge.profile, named);
      manifest && manifest->gfx == image.gfx) {
    image.name = manifest->image;
    image.begun.insert(manifest->cache);
    // A tag may come to mean another image, for which this code would be wrong.
    if (named != manifest->image) exact += "@" + manifest->image;
  }
  models::lead_to_compiled(advice, *knowledge.profile, image);
  return exact;
}

}  // namespace fettle::cli
