// fettle profile bundle|install|restore|remove: profiles and shelves of a site as one archive with a version.
#include "cli/profile_bundle.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/names.h"
#include "base/text.h"
#include "cli/path.h"
#include "profile/bundle.h"
#include "profile/bundle_proof.h"
#include "profile/load.h"
#include "profile/places.h"
#include "profile/rules.h"
#include "shelf/manifest.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;
using profile::Bundle;
using profile::Complaints;

constexpr Bytes largest_bundle = 64_MiB;

int refuse(Context& context, const Error& error) {
  return report(context, error, error.why == Why::denied ? not_permitted : failed);
}

int complain(Context& context, const Complaints& complaints) {
  for (const profile::Complaint& each : complaints) context.err << profile::to_text(each) << '\n';
  return bad_config;
}

Complaints mistakes_in(const Bundle& bundle) {
  Complaints all = profile::check(bundle);
  for (const auto& [path, text] : bundle.files) {
    if (!path.ends_with(".lock")) continue;
    const auto manifests = shelf::parse_manifests(text, "'" + path + "'");
    if (!manifests) all.push_back({path, 0, 0, manifests.error().said, manifests.error().hint});
  }
  return all;
}

int make(Context& context, const BundleWords& words) {
  const system::Files& files = context.system.files;
  const auto collected =
      profile::collect_bundle(files, absolute(context, words.directory), words.name, words.version);
  if (!collected) return refuse(context, collected.error());
  if (const Complaints mistakes = mistakes_in(collected->bundle); !mistakes.empty())
    return complain(context, mistakes);
  const std::string path = absolute(context, words.archive);
  if (const auto written = profile::write_bundle(files, collected->bundle, path); !written)
    return refuse(context, written.error());
  const auto text = files.read(path, largest_bundle);
  if (!text) return refuse(context, text.error());
  const std::string hash = profile::sha256_of(*text);
  if (context.format == Format::json) {
    json::array left_out;
    for (const std::string& each : collected->left_out) left_out.emplace_back(each);
    context.out << pretty_json(json::object{{"bundle", words.archive},
                                            {"sha256", hash},
                                            {"files", collected->bundle.files.size()},
                                            {"left_out", std::move(left_out)}});
    return ok;
  }
  for (const std::string& each : collected->left_out) context.out << "left out  " << each << '\n';
  context.out << words.archive << ": " << words.name << " " << words.version << ", "
              << count_of(collected->bundle.files.size(), "file") << "\n"
              << "install it with `fettle profile install " << words.archive << " --sha256 " << hash << "`\n";
  return ok;
}

// The bundle's bytes, once it is known that they are those that were meant.
Result<std::string> read_proven(Context& context, const BundleWords& words) {
  const system::Files& files = context.system.files;
  auto text = files.read(absolute(context, words.archive), largest_bundle);
  if (!text) return fail(text.error());
  if (!words.sha256.empty()) {
    const std::string hash = profile::sha256_of(*text);
    if (hash == words.sha256) return text;
    return fail(Why::refused, "cannot trust the bundle: its SHA-256 is " + hash,
                "it was changed on its way, or it is another version than the one that was meant");
  }
  const auto signature = files.read(absolute(context, words.signature), 1_KiB);
  if (!signature) return fail(signature.error());
  const auto key = files.read(absolute(context, words.key), 16_KiB);
  if (!key) return fail(key.error());
  if (auto good = profile::check_signature(*text, *signature, *key); !good) return fail(good.error());
  return text;
}

// From bytes that nobody else may change: what was proven is what is read.
Result<Bundle> unpack(const system::Files& files, const std::string& text) {
  const std::string path = std::string(profile::bundles_directory) + "/.incoming-" + profile::sha256_of(text);
  if (const auto written = files.write(path, text, 0600); !written) return fail(written.error());
  auto bundle = profile::read_bundle(files, path);
  if (const auto removed = files.remove(path); !removed && bundle) return fail(removed.error());
  return bundle;
}

// What the configuration of this node would be with the bundle in place.
Complaints try_with(const system::Files& files, const Bundle& bundle, const std::string& stored) {
  auto places = profile::places(files);
  if (!places) return {{std::string(profile::bundles_directory), 0, 0, places.error().said, {}}};
  const std::string own = std::string(profile::bundles_directory) + "/" + bundle.name;
  const auto at = std::find(places->begin(), places->end(), own);
  if (at != places->end()) {
    *at = stored;
  } else {
    const auto later = std::find_if(places->begin() + 1, places->end() - 1,
                                    [&](const std::string& place) { return place > own; });
    places->insert(later, stored);
  }
  return profile::load_from(files, std::move(*places)).complaints;
}

void tell(Context& context, const Bundle& bundle, std::string_view what, const Complaints& left) {
  if (context.format == Format::json) {
    json::array files;
    for (const auto& [path, text] : bundle.files) files.emplace_back(path);
    context.out << pretty_json(json::object{{"name", bundle.name},
                                            {"version", bundle.version},
                                            {"outcome", what},
                                            {"mistakes_left", left.size()},
                                            {"files", std::move(files)}});
    return;
  }
  context.out << "bundle " << bundle.name << " " << bundle.version << ", "
              << count_of(bundle.files.size(), "file") << ": " << what << '\n';
  if (!left.empty()) {
    context.out << "the configuration of this node still has " << count_of(left.size(), "mistake")
                << ": `fettle profile check`\n";
  }
}

int install(Context& context, const BundleWords& words) {
  const system::Files& files = context.system.files;
  const auto text = read_proven(context, words);
  if (!text) return refuse(context, text.error());
  const auto bundle =
      words.is_dry_run ? profile::read_bundle(files, absolute(context, words.archive)) : unpack(files, *text);
  if (!bundle) return refuse(context, bundle.error());
  if (const Complaints mistakes = mistakes_in(*bundle); !mistakes.empty()) return complain(context, mistakes);
  if (const auto clash = profile::clash_of(files, *bundle)) return refuse(context, *clash);
  if (words.is_dry_run) {
    tell(context, *bundle, "would be installed", {});
    return ok;
  }
  const auto stored = profile::store_bundle(files, *bundle);
  if (!stored) return refuse(context, stored.error());
  // A node that was well configured stays so.
  const Complaints left = try_with(files, *bundle, *stored);
  if (!left.empty() && profile::load(files).profile) {
    (void)complain(context, left);
    (void)profile::remove_unused(files, bundle->name);
    return report(context,
                  {Why::refused,
                   "cannot install '" + bundle->name + " " + bundle->version +
                       "': with it the configuration of this node has mistakes",
                   "nothing was changed; mend the bundle or " + std::string(names::config_file)},
                  bad_config);
  }
  const auto placed = profile::put_in_place(files, *bundle);
  if (!placed) return refuse(context, placed.error());
  if (const auto removed = profile::remove_unused(files, bundle->name); !removed)
    context.err << "fettle: " << removed.error().said << ", ignoring\n";
  tell(context, *bundle,
       *placed == Outcome::already_so ? "installed already"
                                      : "installed; `systemctl reload fettled` takes it up",
       left);
  return ok;
}

int restore(Context& context, const BundleWords& words) {
  const auto now = profile::restore_bundle(context.system.files, words.name);
  if (!now) return refuse(context, now.error());
  if (context.format == Format::json) {
    context.out << pretty_json(
        json::object{{"name", now->name}, {"version", now->version}, {"before", now->before}});
  } else {
    context.out << "bundle " << now->name << " is " << now->version << " again, " << now->before
                << " is kept; `systemctl reload fettled` takes it up\n";
  }
  const auto loaded = profile::load(context.system.files);
  return loaded.profile ? ok : complain(context, loaded.complaints);
}

int remove(Context& context, const BundleWords& words) {
  if (const auto removed = profile::remove_bundle(context.system.files, words.name); !removed)
    return refuse(context, removed.error());
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{{"name", words.name}, {"outcome", "removed"}});
  } else {
    context.out << "bundle " << words.name << " is removed\n";
  }
  const auto loaded = profile::load(context.system.files);
  return loaded.profile ? ok : complain(context, loaded.complaints);
}

}  // namespace

void add_bundle_commands(Words& words, BundleWords& typed) {
  Words& make_verb =
      words.verb("bundle", "Make one archive of the profiles, shelves and tables in a directory");
  make_verb.option("DIRECTORY", typed.directory, "Laid out as /etc/fettle/profiles").required();
  make_verb.option("--name", typed.name, "What the bundle is called on a node").required();
  make_verb.option("--version", typed.version, "Which one it is, such as 2026.11.1").required();
  make_verb.option("-o,--output", typed.archive, "The archive, FILE.tar.zst").required().type_name("FILE");

  Words& install_verb =
      words.verb("install", "Check a bundle as a whole and put it in place of the version before");
  install_verb.option("BUNDLE", typed.archive, "The archive").required();
  Word& hash = install_verb.option("--sha256", typed.sha256, "What its SHA-256 has to be");
  Word& signature =
      install_verb.option("--signature", typed.signature, "An Ed25519 signature of it, 64 bytes")
          .type_name("FILE");
  Word& key =
      install_verb.option("--key", typed.key, "The public key of who signed it, as PEM").type_name("FILE");
  signature.needs(key).excludes(hash);
  key.needs(signature);
  install_verb.flag("--dry-run", typed.is_dry_run, "Check it, change nothing");
  install_verb.demand([&typed] { return !typed.sha256.empty() || !typed.signature.empty(); },
                      "--sha256, or --signature with --key: what is installed decides what root does");

  words.verb("restore", "Go back to the version of a bundle before this one")
      .option("NAME", typed.name, "The bundle")
      .required();
  words.verb("remove", "Take a bundle away, with the version before")
      .option("NAME", typed.name, "The bundle")
      .required();
}

int run_bundle_command(Context& context, const std::string& verb, const BundleWords& typed) {
  if (verb == "bundle") return make(context, typed);
  if (verb == "install") return install(context, typed);
  if (!profile::is_name(typed.name)) {
    return report(context,
                  {Why::malformed, "cannot look for a bundle '" + typed.name + "'",
                   "`fettle profile list` shows those that are installed"},
                  usage);
  }
  return verb == "restore" ? restore(context, typed) : remove(context, typed);
}

}  // namespace fettle::cli
