#include "profile/bundle.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <iterator>
#include <utility>

#include "archive/reader.h"
#include "archive/staging.h"
#include "archive/writer.h"
#include "base/json.h"
#include "profile/bundle_proof.h"
#include "profile/load.h"
#include "profile/places.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

namespace json = boost::json;
using system::Files;

constexpr std::string_view head_name = "bundle.json";
constexpr Bytes largest_head = 1_MiB;
constexpr Bytes largest_lock = 16_MiB;  // of 20,000 files
constexpr archive::Limits limits{.entries = 2'000, .total = 64_MiB, .ratio = 100};

std::string beside(std::string_view name) {
  return std::string(bundles_directory) + "/" + std::string(name);
}
std::string now_of(std::string_view name) {
  return beside(name);
}
std::string before_of(std::string_view name) {
  return beside(".before/") + std::string(name);
}

// Directories of a bundle, and how the files in them end.
struct Shelving {
  std::string_view directory;
  std::string_view ending;
};
constexpr std::array shelvings{Shelving{"", ".yaml"},         Shelving{"shelves/", ".yaml"},
                               Shelving{"shelves/", ".lock"}, Shelving{"images/", ".yaml"},
                               Shelving{"compat/", ".yaml"},  Shelving{"models/", ".yaml"}};

bool is_member(std::string_view path) {
  return std::any_of(shelvings.begin(), shelvings.end(), [&](const Shelving& each) {
    if (!path.starts_with(each.directory) || !path.ends_with(each.ending)) return false;
    const auto length = each.directory.size() + each.ending.size();
    return path.size() > length && is_name(path.substr(each.directory.size(), path.size() - length));
  });
}

Bytes limit_of(std::string_view path) {
  return path.ends_with(".lock") ? largest_lock : largest_file;
}

bool is_version(std::string_view text) {
  return is_name(text);
}

Result<void> check_names(const Bundle& bundle) {
  if (!is_name(bundle.name)) {
    return fail(Why::malformed, "cannot call a bundle '" + shown(bundle.name) + "'",
                std::string(name_rule.allowed));
  }
  if (is_version(bundle.version)) return {};
  return fail(Why::malformed, "cannot use the version '" + shown(bundle.version) + "' of a bundle",
              std::string(name_rule.allowed) + ", such as 2026.11.1");
}

std::string head_of(const Bundle& bundle) {
  json::array files;
  for (const auto& [path, text] : bundle.files)
    files.emplace_back(json::object{{"path", path}, {"sha256", sha256_of(text)}});
  return pretty_json(json::object{
      {"format", 1}, {"name", bundle.name}, {"version", bundle.version}, {"files", std::move(files)}});
}

// Where this version lies: the same content is the same place.
std::string stored_name(const Bundle& bundle) {
  return bundle.name + "-" + sha256_of(head_of(bundle)).substr(0, 12);
}

Error not_as_said(std::string_view path, const std::string& what) {
  return {Why::malformed, "cannot use the bundle '" + std::string(path) + "': " + what,
          "make it with `fettle profile bundle`"};
}

// Which hash each file is to have.
Result<std::map<std::string, std::string>> read_head(std::string_view text, std::string_view path,
                                                     Bundle& out) {
  const auto head = parse_json(text, "'bundle.json' of '" + std::string(path) + "'");
  if (!head) return fail(head.error());
  if (json_count(*head, "format") != 1)
    return fail(not_as_said(path, "it is not of format 1, the only one known"));
  out.name = json_text(*head, "name");
  out.version = json_text(*head, "version");
  if (auto named = check_names(out); !named) return fail(named.error());
  std::map<std::string, std::string> wanted;
  for (const json::value& row : json_list(*head, "files")) {
    std::string name = json_text(row, "path");
    if (!is_member(name)) return fail(not_as_said(path, "'" + shown(name) + "' has no place in a bundle"));
    if (!wanted.emplace(name, json_text(row, "sha256")).second)
      return fail(not_as_said(path, "'" + name + "' is named twice"));
  }
  if (wanted.empty()) return fail(not_as_said(path, "it holds nothing"));
  return wanted;
}

Result<void> remove_tree(const Files& files, const std::string& stored) {
  // Its own name first, so that a kill in between leaves nothing that looks whole.
  const std::string condemned = "bundle-" + stored;
  if (auto cleared = archive::Staging::clear(files, beside(".store"), condemned); !cleared) return cleared;
  auto renamed = files.rename(beside(".store/") + stored, beside(".store/.fettle-unpack-") + condemned);
  if (!renamed) return renamed;
  return archive::Staging::clear(files, beside(".store"), condemned);
}

// The last part of where a link of ours leads; empty when there is none.
Result<std::string> stored_at(const Files& files, const std::string& link) {
  auto target = files.read_link(link);
  if (!target && target.error().why == Why::missing) return std::string();
  if (!target) return fail(target.error());
  return target->substr(target->find_last_of('/') + 1);
}

Result<Outcome> lead(const Files& files, const std::string& link, const std::string& stored) {
  const bool is_before = link.find("/.before/") != std::string::npos;
  return files.set_link(link, (is_before ? "../.store/" : ".store/") + stored);
}

std::string version_at(const Files& files, const std::string& directory) {
  const auto text = files.read(directory + "/" + std::string(head_name), largest_head);
  const auto head = text ? parse_json(*text, head_name) : Result<json::value>(fail(text.error()));
  return head ? json_text(*head, "version") : std::string();
}

Error not_installed(std::string_view name) {
  return {Why::missing, "cannot find a bundle '" + std::string(name) + "' on this node",
          "`fettle profile list` shows those that are installed"};
}

}  // namespace

Result<Collected> collect_bundle(const Files& files, std::string_view directory, std::string name,
                                 std::string version) {
  Collected collected{{std::move(name), std::move(version), {}}, {}};
  if (auto named = check_names(collected.bundle); !named) return fail(named.error());
  constexpr std::array<std::string_view, 5> folders{"", "shelves", "images", "compat", "models"};
  for (const std::string_view folder : folders) {
    const std::string place = std::string(directory) + (folder.empty() ? "" : "/") + std::string(folder);
    const auto entries = files.list(place);
    if (!entries && entries.error().why == Why::missing && !folder.empty()) continue;
    if (!entries) return fail(entries.error());
    for (const std::string& entry : *entries) {
      const std::string path = (folder.empty() ? "" : std::string(folder) + "/") + entry;
      if (folder.empty() && std::find(folders.begin(), folders.end(), entry) != folders.end()) continue;
      if (!is_member(path)) {
        collected.left_out.push_back(path);
        continue;
      }
      auto text = files.read(place + "/" + entry, limit_of(path));
      if (!text) return fail(text.error());
      collected.bundle.files[path] = std::move(*text);
    }
  }
  if (!collected.bundle.files.empty()) return collected;
  return fail(Why::missing,
              "cannot make a bundle of '" + std::string(directory) + "': no profile, shelf or table is there",
              "a directory with NAME.yaml, shelves/NAME.yaml and the like, as /etc/fettle/profiles");
}

Result<void> write_bundle(const Files& files, const Bundle& bundle, std::string_view path) {
  auto writer = archive::Writer::create(files, path, archive::compression_of(path));
  if (!writer) return fail(writer.error());
  if (auto added = writer->add_text(head_name, head_of(bundle)); !added) return added;
  for (const auto& [name, text] : bundle.files) {
    if (auto added = writer->add_text(name, text); !added) return added;
  }
  return writer->finish();
}

Result<Bundle> read_bundle(const Files& files, std::string_view path) {
  auto reader = archive::Reader::open(files, path, limits);
  if (!reader) return fail(reader.error());
  Bundle bundle;
  std::optional<std::map<std::string, std::string>> wanted;
  while (true) {
    const auto entry = reader->next();
    if (!entry) return fail(entry.error());
    if (!*entry) break;
    if ((*entry)->kind == archive::EntryKind::directory) continue;
    const std::string& name = (*entry)->path;
    if ((*entry)->kind != archive::EntryKind::file)
      return fail(not_as_said(path, "'" + name + "' is a link"));
    auto text = reader->text(wanted ? limit_of(name) : largest_head);
    if (!text) return fail(text.error());
    if (!wanted) {
      if (name != head_name) return fail(not_as_said(path, "it does not begin with bundle.json"));
      auto head = read_head(*text, path, bundle);
      if (!head) return fail(head.error());
      wanted = std::move(*head);
      continue;
    }
    const auto row = wanted->find(name);
    if (row == wanted->end()) return fail(not_as_said(path, "bundle.json does not name '" + name + "'"));
    if (row->second != sha256_of(*text)) return fail(not_as_said(path, "'" + name + "' has another SHA-256"));
    if (!bundle.files.emplace(name, std::move(*text)).second)
      return fail(not_as_said(path, "'" + name + "' is there twice"));
  }
  if (!wanted) return fail(not_as_said(path, "it is empty"));
  for (const auto& [name, hash] : *wanted) {
    if (bundle.files.count(name) == 0) return fail(not_as_said(path, "'" + name + "' is missing"));
  }
  return bundle;
}

Complaints check(const Bundle& bundle) {
  Complaints all;
  for (const auto& [name, text] : bundle.files) {
    if (!name.ends_with(".yaml")) continue;
    Complaints complaints = check_text(text, name);
    std::move(complaints.begin(), complaints.end(), std::back_inserter(all));
  }
  return all;
}

std::vector<Installed> installed_bundles(const Files& files) {
  std::vector<Installed> all;
  const auto names = files.list(bundles_directory);
  if (!names) return all;
  for (const std::string& name : *names) {
    if (name.starts_with('.')) continue;
    all.push_back({name, version_at(files, now_of(name)), now_of(name), version_at(files, before_of(name))});
  }
  return all;
}

std::optional<Error> clash_of(const Files& files, const Bundle& bundle) {
  for (const Installed& other : installed_bundles(files)) {
    if (other.name == bundle.name) continue;
    for (const auto& [path, text] : bundle.files) {
      const auto is_there = files.exists(other.directory + "/" + path);
      if (is_there && !*is_there) continue;
      if (!is_there) return is_there.error();
      return Error{
          Why::refused,
          "cannot install '" + bundle.name + "': the bundle '" + other.name + "' has '" + path + "' too",
          "a file may come from one bundle only: take it out of one, or remove the other"};
    }
  }
  return std::nullopt;
}

Result<std::string> store_bundle(const Files& files, const Bundle& bundle) {
  const std::string directory = beside(".store/") + stored_name(bundle);
  for (const auto& [path, text] : bundle.files) {
    if (const auto written = files.write(directory + "/" + path, text); !written)
      return fail(written.error());
  }
  const auto written = files.write(directory + "/" + std::string(head_name), head_of(bundle));
  if (!written) return fail(written.error());
  return directory;
}

Result<Outcome> put_in_place(const Files& files, const Bundle& bundle) {
  const std::string stored = stored_name(bundle);
  const auto now = stored_at(files, now_of(bundle.name));
  if (!now) return fail(now.error());
  if (*now == stored) return Outcome::already_so;
  if (!now->empty()) {
    if (const auto kept = lead(files, before_of(bundle.name), *now); !kept) return fail(kept.error());
  }
  return lead(files, now_of(bundle.name), stored);
}

Result<void> remove_unused(const Files& files, std::string_view name) {
  const auto now = stored_at(files, now_of(name));
  if (!now) return fail(now.error());
  const auto before = stored_at(files, before_of(name));
  if (!before) return fail(before.error());
  const auto stored = files.list(beside(".store"));
  if (!stored) return fail(stored.error());
  for (const std::string& each : *stored) {
    if (each == *now || each == *before || each.substr(0, each.find_last_of('-')) != name) continue;
    if (auto removed = remove_tree(files, each); !removed) return removed;
  }
  return {};
}

Result<Installed> restore_bundle(const Files& files, std::string_view name) {
  const auto now = stored_at(files, now_of(name));
  if (!now) return fail(now.error());
  if (now->empty()) return fail(not_installed(name));
  const auto before = stored_at(files, before_of(name));
  if (!before) return fail(before.error());
  if (before->empty()) {
    return fail(Why::missing, "cannot go back with '" + std::string(name) + "': there is no version before",
                "`fettle profile install` an older bundle");
  }
  if (const auto led = lead(files, now_of(name), *before); !led) return fail(led.error());
  if (const auto led = lead(files, before_of(name), *now); !led) return fail(led.error());
  return Installed{std::string(name), version_at(files, now_of(name)), now_of(name),
                   version_at(files, before_of(name))};
}

Result<void> remove_bundle(const Files& files, std::string_view name) {
  const auto now = stored_at(files, now_of(name));
  if (!now) return fail(now.error());
  if (now->empty()) return fail(not_installed(name));
  for (const std::string& link : {now_of(name), before_of(name)}) {
    if (const auto removed = files.remove(link); !removed) return fail(removed.error());
  }
  return remove_unused(files, name);
}

}  // namespace fettle::profile
