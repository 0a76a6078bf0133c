// The kind "profile": GPUs, cache, cache directories and variables.
#include <array>

#include "base/names.h"
#include "base/text.h"
#include "profile/documents.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

constexpr mode_t world_writable = 0002;

// A quoted octal number of three or four digits: YAML versions disagree on what a bare 0755 is.
void mode(Reading& reading, const Node& node, const std::string& what, mode_t& out) {
  if (node.kind == Node::Kind::skipped) return;
  const auto value =
      node.text.size() == 3 || node.text.size() == 4 ? to_number<unsigned>(node.text, 8) : std::nullopt;
  if (node.kind != Node::Kind::text || node.plain || !value) {
    reading.complain(node.place, what + " must be an octal number in quotes", "such as \"2775\" or \"0750\"");
  } else if ((*value & world_writable) != 0) {
    reading.complain(node.place, what + " lets everybody write",
                     "no write bit for others: caches hold code that root's containers run");
  } else {
    out = *value;
  }
}

// What MI300X knows; CPX with NPS4 is eight partitions of a GPU.
constexpr std::array compute_partitions{
    Word<std::string_view>{"SPX", "SPX"}, Word<std::string_view>{"DPX", "DPX"},
    Word<std::string_view>{"TPX", "TPX"}, Word<std::string_view>{"QPX", "QPX"},
    Word<std::string_view>{"CPX", "CPX"},
};
constexpr std::array memory_partitions{
    Word<std::string_view>{"NPS1", "NPS1"}, Word<std::string_view>{"NPS2", "NPS2"},
    Word<std::string_view>{"NPS3", "NPS3"}, Word<std::string_view>{"NPS4", "NPS4"},
    Word<std::string_view>{"NPS8", "NPS8"},
};

constexpr std::array gpus_fields{
    field<&Gpus::model, text<sentence_rule>>("model", Need::required),
    field<&Gpus::count, number<1, 64>>("count", Need::required),
    field<&Gpus::compute_partition, choice<compute_partitions, std::string>>("compute_partition"),
    field<&Gpus::memory_partition, choice<memory_partitions, std::string>>("memory_partition"),
    field<&Gpus::memory, bytes>("memory"),
};

void gpus(Reading& reading, const Node& node, const std::string& what, std::optional<Gpus>& out) {
  read_fields(reading, node, what, out.emplace(), gpus_fields);
}

constexpr std::array all_blank_words{
    Word<OnAllBlank>{"create", OnAllBlank::create},
    Word<OnAllBlank>{"report", OnAllBlank::report},
};
constexpr std::array partial_loss_words{
    Word<OnPartialLoss>{"report", OnPartialLoss::report},
    Word<OnPartialLoss>{"rebuild", OnPartialLoss::rebuild},
};
constexpr std::array os_reimaged_words{
    Word<OnOsReimaged>{"adopt", OnOsReimaged::adopt},
    Word<OnOsReimaged>{"report", OnOsReimaged::report},
};

constexpr std::array drive_fields{
    field<&DriveSet::models, some_of<text<sentence_rule>, std::string>>("models", Need::required),
    field<&DriveSet::exclude_models, list_of<text<sentence_rule>, std::string>>("exclude_models"),
    field<&DriveSet::count, number<1, 64>>("count", Need::required),
    field<&DriveSet::on_all_blank, choice<all_blank_words, OnAllBlank>>("on_all_blank"),
    field<&DriveSet::on_partial_loss, choice<partial_loss_words, OnPartialLoss>>("on_partial_loss"),
    field<&DriveSet::on_os_reimaged, choice<os_reimaged_words, OnOsReimaged>>("on_os_reimaged"),
};

void drives(Reading& reading, const Node& node, const std::string& what, std::optional<DriveSet>& out) {
  read_fields(reading, node, what, out.emplace(), drive_fields);
}

constexpr std::array limit_fields{
    field<&DriveLimits::used_percent, number<1, 254>>("used_percent"),  // a drive counts no further
    field<&DriveLimits::temperature_celsius, number<30, 120>>("temperature_celsius"),
    field<&DriveLimits::media_errors, number<0, 1000000>>("media_errors"),
    field<&DriveLimits::slow_factor, number<2, 100>>("slow_factor"),
};

void limits(Reading& reading, const Node& node, const std::string& what, DriveLimits& out) {
  read_fields(reading, node, what, out, limit_fields);
}

constexpr std::array cache_fields{
    field<&Cache::path, text<path_rule>>("path"),
    field<&Cache::drives, drives>("drives"),
    field<&Cache::wait_seconds, number<0, 900>>("wait_seconds"),  // provisioning is killed after 15 minutes
    field<&Cache::reserve, bytes>("reserve"),
    field<&Cache::limits, limits>("drive_limits"),
};

Place place_of(const Node& map, std::string_view key) {
  const Node* const value = map.find(key);
  return value == nullptr ? map.place : value->place;
}

void path_must_be_good(Reading& reading, const Node& node, Cache& cache) {
  if (node.find("path") == nullptr) {
    if (node.find("drives") == nullptr) {
      reading.complain(node.place, "neither 'path' nor 'drives' says where the cache is");
    }
    cache.path = names::default_mount;
    return;
  }
  const Place place = node.find("path")->place;
  if (cache.path.empty()) return;  // there is a complaint about it
  cache.said_at = reading.file() + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
  const std::string_view why =
      cache.drives ? why_not_mount_point(cache.path) : why_not_cache_path(cache.path);
  if (why.empty()) return;
  reading.complain(place, "the cache cannot be at '" + shown(cache.path) + "': " + std::string(why),
                   "a place such as " + std::string(names::default_mount) +
                       (cache.drives ? ", /data or /mnt/cache, a directory of its own"
                                     : ", bind-mounted there when it is somebody else's mount"));
}

}  // namespace

void read_cache(Reading& reading, const Node& node, const std::string& what, std::optional<Cache>& out) {
  if (read_fields(reading, node, what, out.emplace(), cache_fields)) path_must_be_good(reading, node, *out);
}

namespace {

constexpr std::array compiled_words{
    Word<Compiled>{"by-content", Compiled::by_content},
    Word<Compiled>{"by-image", Compiled::by_image},
};

constexpr std::array cache_directory_fields{
    field<&CacheDirectory::name, text<name_rule>>("name", Need::required),
    field<&CacheDirectory::env, list_of<text<variable_rule>, std::string>>("env"),
    field<&CacheDirectory::compiled, choice<compiled_words, Compiled>>("compiled"),
    field<&CacheDirectory::file, text<file_rule>>("file"),
    field<&CacheDirectory::seed, text<package_rule>>("seed"),
    field<&CacheDirectory::locks, list_of<text<pattern_rule>, std::string>>("locks"),
    field<&CacheDirectory::mode, mode>("mode"),
    field<&CacheDirectory::owner, text<user_rule>>("owner"),
    field<&CacheDirectory::group, text<user_rule>>("group"),
    field<&CacheDirectory::reserve, bytes>("reserve"),
    field<&CacheDirectory::quota, bytes>("quota"),
    field<&CacheDirectory::why, text<sentence_rule>>("why", Need::required),
};

void cache_directory(Reading& reading, const Node& node, const std::string& what, CacheDirectory& out) {
  if (!read_fields(reading, node, what, out, cache_directory_fields)) return;
  if (!out.file.empty() && out.compiled != Compiled::by_image) {
    reading.complain(place_of(node, "file"), "'file' needs 'compiled: by-image'",
                     "a directory whose variables name a file of their own for each image");
  }
  if (!out.seed.empty() && (out.compiled != Compiled::by_image || !out.file.empty())) {
    reading.complain(place_of(node, "seed"), "'seed' needs 'compiled: by-image' without 'file'",
                     "a directory of which each image has its own");
  }
  if (out.quota.count != 0 && out.quota < out.reserve) {
    reading.complain(place_of(node, "quota"), "'quota' is less than the 'reserve' of the same directory",
                     "at least what is kept free for it");
  }
  if (!out.locks.empty() && out.compiled == Compiled::no) {
    reading.complain(place_of(node, "locks"), "'locks' needs 'compiled'", "by-content or by-image");
  }
}

constexpr std::array scopes{
    Word<Scope>{"all", Scope::all},
    Word<Scope>{"host", Scope::host},
    Word<Scope>{"container", Scope::container},
};

constexpr std::array variable_fields{
    field<&Variable::name, text<variable_rule>>("name", Need::required),
    field<&Variable::value, text<value_rule>>("value", Need::required),
    field<&Variable::scope, choice<scopes, Scope>>("scope"),
    field<&Variable::why, text<sentence_rule>>("why", Need::required),
    field<&Variable::source, text<sentence_rule>>("source"),
};

void variable(Reading& reading, const Node& node, const std::string& what, Variable& out) {
  read_fields(reading, node, what, out, variable_fields);
}

constexpr std::array not_set_fields{
    field<&NotSet::name, text<variable_rule>>("name", Need::required),
    field<&NotSet::value, text<value_rule>>("value"),
    field<&NotSet::why, text<sentence_rule>>("why", Need::required),
    field<&NotSet::source, text<sentence_rule>>("source"),
};

void not_set(Reading& reading, const Node& node, const std::string& what, NotSet& out) {
  read_fields(reading, node, what, out, not_set_fields);
}

constexpr std::array profile_fields{
    header<Profile>("schema"),
    header<Profile>("kind"),
    field<&Profile::name, own_name>("name"),
    field<&Profile::why, text<sentence_rule>>("why"),
    field<&Profile::extends, text<name_rule>>("extends"),
    field<&Profile::match, read_match>("for"),
    field<&Profile::gpus, gpus>("gpus"),
    field<&Profile::host, read_host>("host"),
    field<&Profile::cache, read_cache>("cache"),
    field<&Profile::caches, list_of<cache_directory, CacheDirectory>>("caches"),
    field<&Profile::environment, list_of<variable, Variable>>("environment"),
    field<&Profile::not_set, list_of<not_set, NotSet>>("not_set"),
    field<&Profile::deep, read_deep>("deep"),
};

// Everybody on the node, and `docker inspect`, can read an environment.
constexpr std::array secrets{std::string_view("HF_TOKEN"), std::string_view("HUGGING_FACE_HUB_TOKEN")};

void refuse_secret(Reading& reading, Place place, const std::string& variable) {
  for (const std::string_view secret : secrets) {
    if (variable == secret) {
      reading.complain(place, "'" + variable + "' is a secret and cannot stand here",
                       "a token goes into /etc/fettle/credentials");
    }
  }
}

// The items of a list of the file; they match our vector one to one.
const std::vector<Node>& items_of(const Node& root, std::string_view key) {
  static const std::vector<Node> none;
  const Node* const list = root.find(key);
  return list == nullptr ? none : list->items;
}

void names_must_differ(Reading& reading, const Node& root, const Profile& profile) {
  Once directories("the cache directory");
  Once on_host("the variable");
  Once in_containers("the variable");
  // The same name may stand once for the host and once for containers.
  const auto see = [&](Place place, const std::string& variable, Scope scope) {
    if (scope != Scope::container && !on_host.see(reading, place, variable)) return;
    if (scope != Scope::host) in_containers.see(reading, place, variable);
  };
  for (std::size_t at = 0; at < profile.caches.size(); ++at) {
    const Node& node = items_of(root, "caches")[at];
    directories.see(reading, place_of(node, "name"), profile.caches[at].name);
    for (std::size_t nth = 0; nth < profile.caches[at].env.size(); ++nth) {
      const Place place = node.find("env")->items[nth].place;
      see(place, profile.caches[at].env[nth], Scope::all);
      refuse_secret(reading, place, profile.caches[at].env[nth]);
    }
  }
  for (std::size_t at = 0; at < profile.environment.size(); ++at) {
    const Place place = place_of(items_of(root, "environment")[at], "name");
    see(place, profile.environment[at].name, profile.environment[at].scope);
    refuse_secret(reading, place, profile.environment[at].name);
  }
  for (std::size_t at = 0; at < profile.not_set.size(); ++at) {
    see(place_of(items_of(root, "not_set")[at], "name"), profile.not_set[at].name, Scope::all);
  }
}

void cache_must_be_there(Reading& reading, const Node& root, const Profile& profile) {
  if (root.find("cache") != nullptr || !profile.extends.empty()) return;  // the base may have one
  if (!profile.caches.empty()) {
    reading.complain(root.find("caches")->place, "'caches' needs a 'cache' that says where they are");
  }
  for (std::size_t at = 0; at < profile.environment.size(); ++at) {
    if (profile.environment[at].value.find(cache_placeholder) == std::string::npos) continue;
    reading.complain(place_of(items_of(root, "environment")[at], "value"),
                     std::string(cache_placeholder) + " needs a 'cache' that says where it is");
  }
}

}  // namespace

void read_profile(Reading& reading, const Node& root, Profile& out) {
  if (!read_fields(reading, root, "a profile", out, profile_fields)) return;
  names_must_differ(reading, root, out);
  cache_must_be_there(reading, root, out);
}

}  // namespace fettle::profile
