// The kind "shelf": model repositories and where they come from.
#include <array>

#include "profile/documents.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

constexpr std::array repository_fields{
    field<&Repository::id, text<repository_rule>>("id", Need::required),
    field<&Repository::revision, text<branch_rule>>("revision", Need::required),
    field<&Repository::unpinned, boolean>("unpinned"),
    field<&Repository::include, list_of<text<pattern_rule>, std::string>>("include"),
    field<&Repository::exclude, list_of<text<pattern_rule>, std::string>>("exclude"),
};

void repository(Reading& reading, const Node& node, const std::string& what, Repository& out) {
  if (!read_fields(reading, node, what, out, repository_fields) || out.revision.empty()) return;
  const Place place = node.find("revision")->place;
  if (!out.unpinned && !is_commit(out.revision)) {
    reading.complain(place, "'revision' must be a commit, not '" + shown(out.revision) + "'",
                     "40 hex digits, or 'unpinned: true' beside it when a moving branch is meant");
  }
  if (out.unpinned && is_commit(out.revision)) {
    reading.complain(node.find("unpinned")->place, "'unpinned' contradicts the commit in 'revision'",
                     "leave it out");
  }
}

constexpr std::array sources{
    Word<Source>{"hub", Source::hub},
    Word<Source>{"archive", Source::archive},
    Word<Source>{"directory", Source::directory},
};

// The key that belongs to one source only.
struct Needed {
  Source source;
  std::string_view from;
  std::string_view key;
  Need need;
  std::string_view what;
};
constexpr std::array needed{
    Needed{Source::archive, "an archive", "archive", Need::required, "the absolute path of a tar file"},
    Needed{Source::directory, "a directory", "directory", Need::required,
           "the absolute path of a cache, or of a folder with OWNER/NAME in it"},
    Needed{Source::hub, "the hub", "endpoint", Need::optional, ""},
    Needed{Source::hub, "the hub", "proxy", Need::optional, ""},
    Needed{Source::hub, "the hub", "no_proxy", Need::optional, ""},
    Needed{Source::hub, "the hub", "jitter_seconds", Need::optional, ""},
};

std::string from_text(Source source) {
  for (const Needed& each : needed) {
    if (each.source == source) return std::string(each.from);
  }
  return {};
}

// Slower than this the client's connections stand still for so long that the hub closes them.
constexpr Bytes lowest_rate = 10_MiB;

void rate(Reading& reading, const Node& node, const std::string& what, Bytes& out) {
  bytes(reading, node, what, out);
  if (out.count == 0 || out >= lowest_rate) return;
  reading.complain(node.place, what + " cannot be '" + shown(node.text) + "'",
                   "10 MiB or more, which is a second; left out, it is as fast as it goes");
}

void hours(Reading& reading, const Node& node, const std::string& what, std::optional<Hours>& out) {
  if (!is_text(reading, node, what)) return;
  out = parse_hours(node.text);
  if (out) return;
  reading.complain(node.place, what + " cannot be '" + shown(node.text) + "'",
                   "a window of the day in UTC with two digits each: 22:00-06:00");
}

constexpr std::array shelf_fields{
    header<Shelf>("schema"),
    header<Shelf>("kind"),
    field<&Shelf::name, own_name>("name"),
    field<&Shelf::why, text<sentence_rule>>("why"),
    field<&Shelf::priority, number<-1000, 1000, int>>("priority"),
    field<&Shelf::source, choice<sources, Source>>("source"),
    field<&Shelf::archive, text<path_rule>>("archive"),
    field<&Shelf::directory, text<path_rule>>("directory"),
    field<&Shelf::endpoint, text<endpoint_rule>>("endpoint"),
    field<&Shelf::proxy, text<endpoint_rule>>("proxy"),
    field<&Shelf::no_proxy, list_of<text<host_rule>, std::string>>("no_proxy"),
    field<&Shelf::jitter_seconds, number<0, 3600>>("jitter_seconds"),
    field<&Shelf::rate, rate>("rate"),
    field<&Shelf::hours, hours>("hours"),
    field<&Shelf::repositories, some_of<repository, Repository>>("repositories", Need::required),
};

}  // namespace

std::string_view to_text(Source source) {
  for (const auto& [word, value] : sources) {
    if (value == source) return word;
  }
  return {};
}

std::optional<Source> source_of(std::string_view word) {
  for (const auto& [known, value] : sources) {
    if (known == word) return value;
  }
  return std::nullopt;
}

void read_shelf(Reading& reading, const Node& root, Shelf& out) {
  if (!read_fields(reading, root, "a shelf", out, shelf_fields)) return;
  for (const Needed& each : needed) {
    const Node* const there = root.find(each.key);
    if (out.source == each.source && there == nullptr && each.need == Need::required) {
      reading.complain(
          root.find("source")->place,
          "a shelf from " + std::string(each.from) + " needs the key '" + std::string(each.key) + "'",
          std::string(each.what));
    }
    if (out.source != each.source && there != nullptr) {
      reading.complain(
          there->place,
          "'" + std::string(each.key) + "' has no effect on a shelf from " + from_text(out.source),
          "source: " + std::string(to_text(each.source)));
    }
  }
  const Node* const no_proxy = root.find("no_proxy");
  if (no_proxy != nullptr && out.source == Source::hub && out.proxy.empty())
    reading.complain(no_proxy->place, "'no_proxy' has no effect without 'proxy'", "leave it out");
  Once repositories("the repository");
  for (std::size_t at = 0; at < out.repositories.size(); ++at) {
    const Node* const id = root.find("repositories")->items[at].find("id");
    if (id != nullptr) repositories.see(reading, id->place, out.repositories[at].id);
  }
}

}  // namespace fettle::profile
