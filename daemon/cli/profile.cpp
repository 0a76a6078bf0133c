// fettle profile check|show|list|capture, and what profile_bundle.cpp has: what is wanted of this node, and
// every mistake in saying so.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/path.h"
#include "cli/profile_bundle.h"
#include "cli/words.h"
#include "health/expectations.h"
#include "profile/bundle.h"
#include "profile/load.h"
#include "profile/rules.h"
#include "storage/look.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;
using profile::Complaint;
using profile::Complaints;
using profile::Profile;

json::array to_json(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(text);
  return out;
}

json::array to_json(const Complaints& complaints) {
  json::array out;
  for (const Complaint& each : complaints) {
    out.emplace_back(json::object{{"file", each.file},
                                  {"line", each.line},
                                  {"column", each.column},
                                  {"what", each.what},
                                  {"allowed", each.allowed}});
  }
  return out;
}

std::string octal(mode_t mode) {
  std::string out;
  for (unsigned shift = 12; shift > 0; shift -= 3)
    out += static_cast<char>('0' + ((mode >> (shift - 3)) & 7U));
  return out;
}

std::string_view to_text(profile::Scope scope) {
  switch (scope) {
    case profile::Scope::host:
      return "host";
    case profile::Scope::container:
      return "container";
    case profile::Scope::all:
      break;
  }
  return "all";
}

json::object to_json(const profile::Cache& cache) {
  json::object out{
      {"path", cache.path}, {"wait_seconds", cache.wait_seconds}, {"reserve_bytes", cache.reserve.count}};
  if (cache.drives) {
    out["drives"] = {{"count", cache.drives->count},
                     {"models", to_json(cache.drives->models)},
                     {"exclude_models", to_json(cache.drives->exclude_models)},
                     {"on_all_blank", to_text(cache.drives->on_all_blank)},
                     {"on_partial_loss", to_text(cache.drives->on_partial_loss)},
                     {"on_os_reimaged", to_text(cache.drives->on_os_reimaged)}};
  }
  return out;
}

json::object to_json(const profile::Host& host) {
  json::array settings;
  for (const profile::Setting& each : host.settings) {
    settings.emplace_back(json::object{{"name", each.name},
                                       {"key", each.key},
                                       {"value", each.value},
                                       {"why", each.why},
                                       {"source", each.source}});
  }
  json::object out{{"sockets", host.sockets},
                   {"cores", host.cores},
                   {"threads", host.threads},
                   {"memory_bytes", host.memory.count},
                   {"root_free_bytes", host.root_free.count},
                   {"swap", host.swap == profile::Host::Swap::none ? "none" : "any"},
                   {"clock", host.clock == profile::Host::Clock::any ? "any" : "synchronised"},
                   {"groups", to_json(host.groups)},
                   {"settings", std::move(settings)}};
  if (host.infiniband)
    out["infiniband"] = {{"ports", host.infiniband->ports}, {"rate_gbit", host.infiniband->rate_gbit}};
  return out;
}

json::object to_json(const profile::Shelf& shelf) {
  json::array repositories;
  for (const profile::Repository& each : shelf.repositories) {
    repositories.emplace_back(json::object{{"id", each.id},
                                           {"revision", each.revision},
                                           {"unpinned", each.unpinned},
                                           {"include", to_json(each.include)},
                                           {"exclude", to_json(each.exclude)}});
  }
  return {{"name", shelf.name},
          {"why", shelf.why},
          {"priority", shelf.priority},
          {"source", profile::to_text(shelf.source)},
          {"archive", shelf.archive},
          {"directory", shelf.directory},
          {"endpoint", shelf.endpoint},
          {"proxy", shelf.proxy},
          {"no_proxy", to_json(shelf.no_proxy)},
          {"jitter_seconds", shelf.jitter_seconds},
          {"rate_bytes_per_second", shelf.rate.count},
          {"hours", shelf.hours ? json::value(profile::to_text(*shelf.hours)) : json::value(nullptr)},
          {"repositories", std::move(repositories)}};
}

json::object to_json(const Profile& wanted) {
  json::object out{{"name", wanted.name},
                   {"file", wanted.file},
                   {"why", wanted.why},
                   {"extends", wanted.extends},
                   {"chosen", wanted.chosen}};
  if (wanted.gpus) {
    out["gpus"] = {{"model", wanted.gpus->model},
                   {"count", wanted.gpus->count},
                   {"compute_partition", wanted.gpus->compute_partition},
                   {"memory_partition", wanted.gpus->memory_partition},
                   {"memory_bytes", wanted.gpus->memory.count}};
  }
  if (wanted.host) out["host"] = to_json(*wanted.host);
  if (wanted.cache) out["cache"] = to_json(*wanted.cache);
  json::array caches;
  for (const profile::CacheDirectory& each : wanted.caches) {
    caches.emplace_back(json::object{{"name", each.name},
                                     {"env", to_json(each.env)},
                                     {"compiled", to_text(each.compiled)},
                                     {"file", each.file},
                                     {"mode", octal(each.mode)},
                                     {"owner", each.owner},
                                     {"group", each.group},
                                     {"why", each.why}});
  }
  out["caches"] = std::move(caches);
  json::array environment;
  for (const profile::Variable& each : wanted.environment) {
    environment.emplace_back(json::object{{"name", each.name},
                                          {"value", each.value},
                                          {"scope", to_text(each.scope)},
                                          {"why", each.why},
                                          {"source", each.source}});
  }
  out["environment"] = std::move(environment);
  json::array not_set;
  for (const profile::NotSet& each : wanted.not_set) {
    not_set.emplace_back(
        json::object{{"name", each.name}, {"value", each.value}, {"why", each.why}, {"source", each.source}});
  }
  out["not_set"] = std::move(not_set);
  json::array shelves;
  for (const profile::Shelf& each : wanted.shelves) shelves.emplace_back(to_json(each));
  out["shelves"] = std::move(shelves);
  out["compatibility"] = {{"as_of", wanted.compat.as_of},
                          {"releases", wanted.compat.releases.size()},
                          {"drivers", wanted.compat.drivers.size()}};
  out["gpu_models"] = wanted.gpu_models.size();
  return out;
}

// "  name   text", the names as wide as the widest.
struct Row {
  std::string name;
  std::string text;
};

void print_rows(std::ostream& out, const std::vector<Row>& rows, std::string_view before = "") {
  std::size_t widest = 0;
  for (const Row& row : rows) widest = std::max(widest, row.name.size());
  for (const Row& row : rows)
    out << before << row.name << std::string(widest - row.name.size() + 2, ' ') << row.text << '\n';
}

void print_rows(std::ostream& out, std::string_view title, const std::vector<Row>& rows) {
  out << '\n' << title << '\n';
  if (rows.empty()) out << "  none\n";
  print_rows(out, rows, "  ");
}

void print(std::ostream& out, const Profile& wanted) {
  out << "profile " << wanted.name << " from " << wanted.file << '\n';
  if (!wanted.why.empty()) out << wanted.why << '\n';
  out << wanted.chosen << (wanted.extends.empty() ? "" : "; extends " + wanted.extends) << '\n';
  std::vector<Row> rows;
  if (wanted.gpus) rows.push_back({"GPUs", std::to_string(wanted.gpus->count) + " x " + wanted.gpus->model});
  if (wanted.host) {
    const profile::Host& host = *wanted.host;
    if (host.threads != 0)
      rows.push_back({"processors", count_of(host.sockets, "socket") + ", " + count_of(host.cores, "core") +
                                        ", " + count_of(host.threads, "thread")});
    if (host.memory.count != 0) rows.push_back({"memory", "at least " + fettle::to_text(host.memory)});
    if (host.infiniband)
      rows.push_back({"InfiniBand", count_of(host.infiniband->ports, "port") + " at " +
                                        std::to_string(host.infiniband->rate_gbit) + " Gbit/s"});
  }
  if (wanted.cache) {
    rows.push_back(
        {"cache", wanted.cache->path + (wanted.cache->drives ? "" : " (a directory; no drive is touched)")});
    rows.push_back({"reserve", fettle::to_text(wanted.cache->reserve)});
    if (const auto& drives = wanted.cache->drives) {
      rows.push_back({"drives", std::to_string(drives->count) + ", no more and no fewer"});
      for (const std::string& each : drives->models) rows.push_back({"", "of the model " + each});
      for (const std::string& each : drives->exclude_models)
        rows.push_back({"", "never of the model " + each});
      rows.push_back({"when all are blank", std::string(to_text(drives->on_all_blank))});
      rows.push_back({"when some were replaced", std::string(to_text(drives->on_partial_loss))});
      rows.push_back({"when the OS is new", std::string(to_text(drives->on_os_reimaged))});
    }
  }
  print_rows(out, "hardware", rows);
  if (wanted.host) {
    rows.clear();
    for (const profile::Setting& each : wanted.host->settings) rows.push_back({each.name, each.why});
    print_rows(out, "settings of the host", rows);
  }
  rows.clear();
  for (const profile::CacheDirectory& each : wanted.caches) rows.push_back({each.name, each.why});
  print_rows(out, "cache directories", rows);
  rows.clear();
  for (const profile::Variable& each : wanted.environment)
    rows.push_back({each.name + "=" + each.value, each.why});
  print_rows(out, "variables", rows);
  rows.clear();
  for (const profile::NotSet& each : wanted.not_set) rows.push_back({each.name, each.why});
  print_rows(out, "variables left alone", rows);
  rows.clear();
  for (const profile::Shelf& each : wanted.shelves) {
    const std::size_t count = each.repositories.size();
    rows.push_back({each.name, std::to_string(count) + (count == 1 ? " repository" : " repositories")});
  }
  print_rows(out, "shelves", rows);
  out << "\ncompatibility table of " << wanted.compat.as_of << ": "
      << count_of(wanted.compat.releases.size(), "release") << " of ROCm, "
      << count_of(wanted.compat.drivers.size(), "driver") << '\n';
}

// Complaints go where the answer goes: they are what was asked for.
int complain(Context& context, const Complaints& complaints) {
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{{"complaints", to_json(complaints)}});
  } else {
    for (const Complaint& each : complaints) context.out << profile::to_text(each) << '\n';
  }
  return complaints.empty() ? ok : bad_config;
}

int check(Context& context, const std::vector<std::string>& given) {
  Complaints all;
  for (const std::string& file : given) {
    for (Complaint& each : profile::check(context.system.files, absolute(context, file))) {
      each.file = file;  // as it was typed
      all.push_back(std::move(each));
    }
  }
  const int code = complain(context, all);
  if (context.format == Format::text) {
    if (all.empty()) {
      context.out << count_of(given.size(), "file") << ", no mistakes\n";
    } else {
      context.err << "fettle: " << count_of(all.size(), "mistake") << " in " << count_of(given.size(), "file")
                  << '\n';
    }
  }
  return code;
}

// All that this node is configured with: fettle.yaml, its fragments, the profile, the shelves and the tables.
int check_configured(Context& context) {
  const profile::Loaded loaded = profile::load(context.system.files);
  const int code = complain(context, loaded.complaints);
  if (context.format == Format::text && loaded.profile)
    context.out << "the configuration of this node, no mistakes\n";
  return code;
}

std::string where(const profile::Origin& origin) {
  return origin.file + ":" + std::to_string(origin.line) + ":" + std::to_string(origin.column);
}

int show_origins(Context& context) {
  const profile::Loaded loaded = profile::load(context.system.files);
  if (!loaded.profile) return complain(context, loaded.complaints);
  json::array answer;
  std::vector<Row> rows;
  for (const profile::Origin& each : loaded.origins) {
    answer.emplace_back(json::object{{"key", each.key},
                                     {"value", each.value},
                                     {"file", each.file},
                                     {"line", each.line},
                                     {"column", each.column}});
    rows.push_back({each.key + (each.value.empty() ? "" : " " + each.value), where(each)});
  }
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{{"origins", std::move(answer)}});
  } else {
    print_rows(context.out, rows);
  }
  return ok;
}

int show(Context& context) {
  const profile::Loaded loaded = profile::load(context.system.files);
  if (!loaded.profile) return complain(context, loaded.complaints);
  if (context.format == Format::json) {
    context.out << pretty_json(to_json(*loaded.profile));
  } else {
    print(context.out, *loaded.profile);
  }
  return ok;
}

int list(Context& context) {
  json::array answer;
  std::vector<Row> rows;
  for (const profile::Found& each : profile::list(context.system.files)) {
    answer.emplace_back(json::object{{"kind", each.kind},
                                     {"name", each.name},
                                     {"file", each.file},
                                     {"why", each.why},
                                     {"complaints", to_json(each.complaints)}});
    rows.push_back({each.kind + " " + each.name,
                    each.complaints.empty() ? each.why
                                            : count_of(each.complaints.size(), "mistake") +
                                                  ", shown by `fettle profile check " + each.file + "`"});
  }
  json::array bundles;
  for (const profile::Installed& each : profile::installed_bundles(context.system.files)) {
    bundles.emplace_back(json::object{{"name", each.name},
                                      {"version", each.version},
                                      {"directory", each.directory},
                                      {"before", each.before}});
    rows.push_back(
        {"bundle " + each.name,
         each.version + (each.before.empty() ? "" : "; " + each.before + " is kept to go back to")});
  }
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{{"found", std::move(answer)}, {"bundles", std::move(bundles)}});
    return ok;
  }
  print_rows(context.out, rows);
  if (rows.empty()) context.err << "fettle: there are no profiles and shelves on this machine\n";
  return ok;
}

// The drives of this node that the cache of its profile wants.
std::vector<facts::Drive> cache_drives(const Profile& wanted, const facts::Facts& facts) {
  std::vector<facts::Drive> drives;
  if (!wanted.cache || !wanted.cache->drives || !facts.drives) return drives;
  for (const facts::Drive& drive : *facts.drives) {
    if (storage::is_wanted(*wanted.cache->drives, drive)) drives.push_back(drive);
  }
  return drives;
}

int capture(Context& context, const std::string& name) {
  if (!profile::is_name(name)) {
    return report(context,
                  {Why::malformed, "cannot call a profile '" + name + "'", "small letters, digits and '-'"},
                  usage);
  }
  const profile::Loaded loaded = profile::load(context.system.files);
  if (!loaded.profile) return complain(context, loaded.complaints);
  if (loaded.profile->name == name) {
    return report(context,
                  {Why::refused, "cannot call the profile '" + name + "': this node is judged by that one",
                   "another --name"},
                  usage);
  }
  const facts::Facts facts = facts::gather(context.system.files, *loaded.profile);
  const auto made = health::expectations(facts, *loaded.profile, cache_drives(*loaded.profile, facts), name);
  for (const Error& refusal : made.refusals) (void)report(context, refusal);
  if (!made.refusals.empty()) return failed;
  // What we write we can read, or it is a mistake of ours that must not reach a fleet.
  const Complaints complaints = profile::check_text(made.yaml, name + ".yaml");
  if (!complaints.empty()) return complain(context, complaints);
  if (context.format == Format::json) {
    context.out << pretty_json(json::object{{"name", name}, {"yaml", made.yaml}});
  } else {
    context.out << made.yaml;
  }
  return ok;
}

}  // namespace

int run_profile(Context& context, const std::vector<std::string>& arguments) {
  Words words("fettle profile",
              "What is wanted of this node: the configuration, its profile and its shelves.");
  words.needs_one_verb();
  std::vector<std::string> given;
  Words& check_verb = words.verb("check", "List every mistake in these files, of any of our kinds");
  check_verb.option("FILE", given, "YAML files; without one, all that this node is configured with");
  Words& show_verb = words.verb("show", "Print what is wanted, as it is loaded");
  bool wants_origins = false;
  show_verb.flag("--origin", wants_origins, "Print which file and line set each value instead");
  std::string name = "golden";
  Words& capture_verb = words.verb("capture", "Print a profile that expects what this good node has");
  capture_verb.option("--name", name, "Its name, which is also that of its file").shows_default(name);
  words.verb("list", "Print the profiles and shelves that a configuration can name");
  BundleWords typed;
  add_bundle_commands(words, typed);
  if (const auto code = words.read(context, arguments)) return *code;
  if (check_verb.is_given()) return given.empty() ? check_configured(context) : check(context, given);
  if (capture_verb.is_given()) return capture(context, name);
  if (words.verb_given() == "list") return list(context);
  if (!show_verb.is_given()) return run_bundle_command(context, words.verb_given(), typed);
  return wants_origins ? show_origins(context) : show(context);
}

}  // namespace fettle::cli
