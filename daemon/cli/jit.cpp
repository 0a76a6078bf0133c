// fettle jit: compiled code of images in the cache: what there is, in and out as archives, and what may go.
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/path.h"
#include "cli/shelves.h"
#include "cli/status_page.h"
#include "cli/verbs.h"
#include "jit/look.h"
#include "jit/pack.h"
#include "jit/prune.h"
#include "jit/seed.h"
#include "models/image.h"
#include "profile/compiled.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

struct JitWords {
  std::vector<std::string> names;
  std::string file;
  std::string image;
  std::string engine;
  std::vector<std::string> accept;
  bool apply = false;  // --apply: prune really removes
};

std::size_t stale_of(const jit::Cached& cached) {
  return static_cast<std::size_t>(
      std::count_if(cached.locks.begin(), cached.locks.end(),
                    [](const jit::Lock& lock) { return lock.use == jit::Use::idle; }));
}

json::object page_of(const jit::Manifest& manifest) {
  return {{"gfx", manifest.gfx},
          {"image", manifest.image},
          {"reference", manifest.reference},
          {"engine", manifest.engine},
          {"rocm", manifest.rocm}};
}

json::object page_of(const jit::Cached& each) {
  json::array locks;
  for (const jit::Lock& lock : each.locks)
    locks.emplace_back(json::object{{"path", lock.path}, {"use", jit::to_text(lock.use)}});
  json::object out{{"name", each.name()},
                   {"cache", each.cache},
                   {"key", each.key},
                   {"path", each.path},
                   {"bytes", each.bytes.count},
                   {"files", each.files},
                   {"use", jit::to_text(each.use)}};
  out["newest"] = std::chrono::duration_cast<std::chrono::seconds>(each.newest.time_since_epoch()).count();
  out["manifest"] = each.manifest ? json::value(page_of(*each.manifest)) : json::value(nullptr);
  out["locks"] = std::move(locks);
  out["error"] = each.error ? each.error->said : std::string();
  return out;
}

std::string filled(std::string text, std::size_t columns) {
  text.resize(std::max(text.size() + 2, columns), ' ');
  return text;
}

void print(Context& context, const jit::Cached& each) {
  const auto age = std::chrono::duration_cast<std::chrono::seconds>(context.system.clock.now() - each.newest);
  context.out << filled(each.name(), 34) << filled(to_text(each.bytes), 12)
              << filled(count_of(each.files, "file"), 14)
              << filled(
                     each.files == 0 ? "empty" : time_text(std::max(age, std::chrono::seconds(0))) + " old",
                     16)
              << jit::to_text(each.use) << '\n';
  if (each.manifest) {
    const jit::Manifest& of = *each.manifest;
    context.out << "    " << (of.reference.empty() ? of.image : of.reference) << ", " << of.gfx
                << (of.rocm.empty() ? "" : ", ROCm " + of.rocm) << '\n';
  } else if (!each.key.empty()) {
    context.out << "    nobody knows of which image it is: no container gets it\n";
  }
  if (const auto stale = stale_of(each); stale > 0) {
    context.out << "    " << count_of(stale, "lock")
                << " that nobody holds: the next start would wait for ever; `fettle jit prune --apply`\n";
  }
  if (each.error) context.out << "    " << each.error->said << '\n';
}

int list(Context& context, const profile::Profile& profile, const JitWords&) {
  const auto all = jit::look(context.system.files, profile);
  const bool is_whole =
      std::none_of(all.begin(), all.end(), [](const jit::Cached& each) { return each.error.has_value(); });
  if (context.format == Format::json) {
    json::array caches;
    for (const jit::Cached& each : all) caches.emplace_back(page_of(each));
    context.out << pretty_json(json::object{{"api", 1}, {"caches", std::move(caches)}});
    return is_whole ? ok : partial;
  }
  if (all.empty()) context.out << "no compiled code is kept on this node yet\n";
  for (const jit::Cached& each : all) print(context, each);
  return is_whole ? ok : partial;
}

// The name of the engine for people; an image of another kind has none.
std::string engine_of(const std::string& image) {
  const auto engine = models::engine_of_image(image);
  if (!engine || engine->name.empty()) return {};
  return engine->name + (engine->version.empty() ? "" : " " + engine->version);
}

int seed(Context& context, const profile::Profile& profile, const JitWords& words) {
  if (auto reference = models::engine_of_image(words.image); !reference)
    return report(context, reference.error(), usage);
  const auto gfx = jit::gfx_of_node(context.system.files, profile);
  if (!gfx) return report(context, gfx.error());
  const auto done = jit::seed(context.system, profile, words.image, *gfx,
                              words.engine.empty() ? engine_of(words.image) : words.engine);
  if (!done) return report(context, done.error());
  json::array all;
  for (const jit::Seeded& each : *done) {
    json::object one = page_of(each.manifest);
    one["path"] = each.path;
    one["files"] = each.manifest.files;
    one["bytes"] = each.manifest.bytes.count;
    all.emplace_back(std::move(one));
    if (context.format == Format::text)
      context.out << "seeded '" << each.path << "': " << count_of(each.manifest.files, "file") << ", "
                  << to_text(each.manifest.bytes) << " of " << words.image << '\n';
  }
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{{"api", 1}, {"seeded", std::move(all)}});
  } else {
    context.out << "`fettle run-line MODEL --image " << words.image << "` lets its containers use it\n";
  }
  return ok;
}

int export_it(Context& context, const profile::Profile& profile, const JitWords& words) {
  const auto all = jit::look(context.system.files, profile);
  const auto cached = jit::find(all, words.names.front());
  if (!cached) return report(context, cached.error());
  const auto gfx = jit::gfx_of_node(context.system.files, profile);
  if (!gfx && !cached->manifest) return report(context, gfx.error());
  const auto done = jit::export_cache(context.system.files, profile, *cached, gfx.value_or(std::string()),
                                      absolute(context, words.file));
  if (!done) return report(context, done.error());
  if (context.format == Format::json) {
    json::object page = page_of(done->manifest);
    page["file"] = words.file;
    page["files"] = done->manifest.files;
    page["bytes"] = done->manifest.bytes.count;
    json::array left_out;
    for (const std::string& each : done->left_out) left_out.emplace_back(each);
    page["left_out"] = std::move(left_out);
    context.out << pretty_json(page);
  } else {
    context.out << "wrote '" << words.file << "': " << count_of(done->manifest.files, "file") << ", "
                << to_text(done->manifest.bytes) << ", for " << done->manifest.gfx << '\n';
    for (const std::string& each : done->left_out)
      context.out << "  left out: " << each << ": it is no file, or a link that leads out\n";
  }
  return done->left_out.empty() ? ok : partial;
}

int import_it(Context& context, const profile::Profile& profile, const JitWords& words) {
  jit::Expectation expectation{jit::gfx_of_node(context.system.files, profile), words.image, {}};
  if (!words.image.empty() && !profile::is_digest(words.image)) {
    return report(
        context,
        {Why::malformed, "cannot take '" + words.image.substr(0, 80) + "' for the digest of an image",
         "sha256: and 64 hex digits; `docker image inspect IMAGE` has it under RepoDigests"},
        usage);
  }
  for (const std::string& each : words.accept)
    expectation.accept.insert(each == "gfx" ? jit::Difference::gfx : jit::Difference::image);
  const auto done = jit::import_archive(context.system, profile, absolute(context, words.file), expectation);
  if (!done) return report(context, done.error());
  if (context.format == Format::json) {
    json::object page = page_of(done->manifest);
    page["path"] = done->path;
    page["added"] = done->added;
    page["there"] = done->there;
    context.out << pretty_json(page);
  } else {
    context.out << "imported into '" << done->path << "': " << done->added << " new";
    if (done->there > 0) context.out << ", " << done->there << " there already";
    context.out << '\n';
  }
  return ok;
}

std::string_view word_of(jit::Removal::Kind kind) {
  return kind == jit::Removal::Kind::lock ? "lock" : "cache";
}

int print_plan(Context& context, const jit::Plan& plan) {
  Bytes bytes;
  json::array remove;
  json::array kept;
  for (const jit::Removal& each : plan.remove) {
    bytes += each.bytes;
    remove.emplace_back(json::object{
        {"path", each.path}, {"kind", word_of(each.kind)}, {"what", each.what}, {"bytes", each.bytes.count}});
    if (context.format == Format::text)
      context.out << "would remove " << each.path << ": " << each.what
                  << (each.bytes.count > 0 ? ", " + to_text(each.bytes) : "") << '\n';
  }
  for (const jit::Kept& each : plan.kept) {
    kept.emplace_back(json::object{{"name", each.name}, {"why", each.why}});
    if (context.format == Format::text) context.out << "stays " << each.name << ": " << each.why << '\n';
  }
  if (context.format == Format::json) {
    context.out << pretty_json(
        json::object{{"api", 1}, {"would_remove", std::move(remove)}, {"kept", std::move(kept)}});
  } else if (plan.remove.empty()) {
    context.out << "nothing to remove\n";
  } else {
    context.out << to_text(bytes) << " in all; nothing was removed: --apply does it\n";
  }
  return ok;
}

int prune(Context& context, const profile::Profile& profile, const JitWords& words) {
  const auto all = jit::look(context.system.files, profile);
  const bool asks = words.names.empty() && std::any_of(all.begin(), all.end(), [](const jit::Cached& each) {
                      return each.manifest.has_value();
                    });
  const Result<std::set<std::string>> images =
      asks ? jit::images_of_node(context.system) : Result<std::set<std::string>>(std::set<std::string>());
  const auto plan = jit::plan(all, images, words.names);
  if (!plan) return report(context, plan.error());
  if (!words.apply) return print_plan(context, *plan);
  int code = plan->kept.empty() || words.names.empty() ? ok : partial;
  json::array rows;
  for (const jit::Removed& each : jit::apply(*plan, context.system, profile)) {
    if (each.outcome == Outcome::failed) code = failed;
    if (each.outcome == Outcome::refused) code = std::max<int>(code, partial);
    rows.emplace_back(json::object{{"path", each.removal.path},
                                   {"kind", word_of(each.removal.kind)},
                                   {"outcome", fettle::to_text(each.outcome)},
                                   {"said", each.error.said}});
    if (context.format == Format::json) continue;
    if (each.error.said.empty()) {
      context.out << "removed " << each.removal.path << ": " << each.removal.what << '\n';
    } else {
      context.err << "fettle: " << fettle::to_text(each.error) << '\n';
    }
  }
  json::array kept;
  for (const jit::Kept& each : plan->kept) {
    kept.emplace_back(json::object{{"name", each.name}, {"why", each.why}});
    if (context.format == Format::text) context.out << "stays " << each.name << ": " << each.why << '\n';
  }
  if (context.format == Format::json)
    context.out << pretty_json(
        json::object{{"api", 1}, {"removed", std::move(rows)}, {"kept", std::move(kept)}});
  return code;
}

using Row = Verb<JitWords>;
constexpr std::array verbs{
    Row{"list", "each cache of compiled code: key, size, age, who uses it, stale locks",
        [](Words&, JitWords&) {}, &list},
    Row{"seed", "begin an image's place with the code that the image brings",
        [](Words& words, JitWords& typed) {
          words.option("IMAGE", typed.image, "NAME:TAG or NAME@DIGEST of an image on this node").required();
          words.option("--engine", typed.engine, "what is in it, for people; else read from its name");
        },
        &seed},
    Row{"export", "write a cache as an archive",
        [](Words& words, JitWords& typed) {
          words.option("NAME", typed.names, "as list calls it").required().single();
          words.option("--to", typed.file, "the archive's path; '.zst' at its end compresses it").required();
        },
        &export_it},
    Row{"import", "take the cache that an archive holds",
        [](Words& words, JitWords& typed) {
          words.option("FILE", typed.file, "what `fettle jit export` wrote").required();
          words.option("--image", typed.image, "the digest of the image it must be for");
          words.option("--accept", typed.accept, "take it although this differs: gfx or image")
              .among({"gfx", "image"});
        },
        &import_it},
    Row{"prune", "locks that nobody holds, and the code of images that this node does not have",
        [](Words& words, JitWords& typed) {
          words.option("NAME", typed.names, "these instead, as list calls them");
          words.flag("--apply", typed.apply, "remove it; without this nothing is removed");
        },
        &prune},
};

}  // namespace

int run_jit(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle jit",
      "Code that engines compiled, kept in the cache for the next container: AITER's for each image apart,\n"
      "Triton's, Inductor's and others for all. Exit code: 0 done, 1 in part, 2 not.");
  const Verbs verb(verbs, words);
  if (const auto code = words.read(context, arguments)) return *code;
  const auto profile = load_profile(context);
  if (!profile) return report(context, profile.error(), bad_config);
  return verb.run(context, *profile);
}

}  // namespace fettle::cli
