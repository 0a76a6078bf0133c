// The kind "configuration": /etc/fettle/fettle.yaml and what lies in /etc/fettle/conf.d.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "profile/documents.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

void named(Reading& reading, const Node& node, const std::string& what, Named& out) {
  out.place = node.place;
  out.file = reading.file();
  text<name_rule>(reading, node, what, out.name);
}

// "31.2": no more than three decimals, so that money is counted and not rounded.
void amount(Reading& reading, const Node& node, const std::string& what, std::int64_t& out) {
  std::string written;
  text<amount_rule>(reading, node, what, written);
  if (written.empty()) return;  // there is a complaint about it
  const auto point = std::min(written.find('.'), written.size());
  std::string digits = written.substr(0, point) + written.substr(std::min(point + 1, written.size()));
  digits.append(3 - (written.size() - std::min(point + 1, written.size())), '0');
  out = to_number<std::int64_t>(digits).value_or(0);
}

constexpr std::array price_fields{
    field<&Price::thousandths_per_hour, amount>("per_hour", Need::required),
    field<&Price::currency, text<currency_rule>>("currency", Need::required),
};

void read_price(Reading& reading, const Node& node, const std::string& what, std::optional<Price>& out) {
  Price price;
  if (read_fields(reading, node, what, price, price_fields)) out = price;
}

constexpr std::array engine_fields{
    field<&Engine::name, text<name_rule>>("name", Need::required),
    field<&Engine::url, text<loopback_rule>>("url", Need::required),
    field<&Engine::model, text<sentence_rule>>("model"),
    field<&Engine::first_token, boolean>("first_token"),
};

void engine(Reading& reading, const Node& node, const std::string& what, Engine& out) {
  if (!read_fields(reading, node, what, out, engine_fields)) return;
  if (out.first_token && out.model.empty()) {
    reading.complain(node.place, "'first_token' needs a 'model' to ask for it",
                     "the name that the engine serves it under");
  }
}

constexpr std::array consumer_words{
    Word<Consumer>{"docker", Consumer::docker},
    Word<Consumer>{"containerd", Consumer::containerd},
    Word<Consumer>{"kubelet", Consumer::kubelet},
    Word<Consumer>{"podman", Consumer::podman},
};

void consumers(Reading& reading, const Node& node, const std::string& what, Arrangement& out) {
  more_of<choice<consumer_words, Consumer>, Consumer>(reading, node, what, out.consumers);
}

constexpr std::array place_words{
    Word<PlaceAs>{"bind", PlaceAs::bind},
    Word<PlaceAs>{"link", PlaceAs::link},
};

constexpr std::array place_fields{
    field<&CachePlace::path, text<place_rule>>("path", Need::required),
    field<&CachePlace::user, text<user_rule>>("user"),
    field<&CachePlace::cache, text<name_rule>>("cache", Need::required),
    field<&CachePlace::as, choice<place_words, PlaceAs>>("as"),
};

void place(Reading& reading, const Node& node, const std::string& what, CachePlace& out) {
  if (!read_fields(reading, node, what, out, place_fields)) return;
  const bool is_of_user = out.path.starts_with('~');
  if (is_of_user == out.user.empty() && !out.path.empty()) {
    reading.complain(
        node.place,
        is_of_user ? "'~' needs a 'user' whose home it is" : "'user' needs a path that begins with '~'",
        "such as path: ~/.cache/huggingface with user: alice");
  }
}

void places(Reading& reading, const Node& node, const std::string& what, Arrangement& out) {
  more_of<place, CachePlace>(reading, node, what, out.places);
}

constexpr std::array configuration_fields{
    header<Configuration>("schema"),
    header<Configuration>("kind"),
    field<&Configuration::profile, named>("profile"),
    field<&Configuration::shelves, more_of<named, Named>>("shelves"),
    field<&Configuration::images, more_of<named, Named>>("images"),
    field<&Configuration::cache, read_cache>("cache"),
    field<&Configuration::price, read_price>("price"),
    field<&Configuration::engines, more_of<engine, Engine>>("engines"),
    field<&Configuration::arrangement, consumers>("consumers"),
    field<&Configuration::arrangement, places>("places"),
};

// What an entry is called: its text, or the first that it says.
std::string label_of(const Node& node) {
  return node.kind == Node::Kind::map && !node.entries.empty() ? node.entries.front().value.text : node.text;
}

void set_origin(std::vector<Origin>& origins, Origin origin) {
  const auto at = std::find_if(origins.begin(), origins.end(),
                               [&](const Origin& each) { return each.key == origin.key; });
  if (at == origins.end()) {
    origins.push_back(std::move(origin));
  } else {
    *at = std::move(origin);
  }
}

// Thousands of keys that are none stay a matter of complaints.
bool is_known(std::string_view key) {
  return std::any_of(configuration_fields.begin(), configuration_fields.end(),
                     [&](const auto& field) { return field.key == key; });
}

void remember(const Reading& reading, const Node& root, std::vector<Origin>& origins) {
  for (const Node::Entry& entry : root.entries) {
    if (entry.key == "schema" || entry.key == "kind" || !is_known(entry.key)) continue;
    const Place& place = entry.place;
    if (entry.value.kind != Node::Kind::list)
      set_origin(origins, {entry.key, entry.value.text, reading.file(), place.line, place.column});
    for (const Node& item : entry.value.items) {
      origins.push_back({entry.key, label_of(item), reading.file(), item.place.line, item.place.column});
    }
  }
}

}  // namespace

bool is_fragment(std::string_view file) {
  const std::string_view directory = file.substr(0, std::min(file.find_last_of('/'), file.size()));
  return directory.ends_with("/" + std::string(fragment_directory));
}

void ConfigurationReader::read(Reading& reading, const Node& root) {
  const std::size_t first_shelf = out_.shelves.size();
  const std::size_t first_engine = out_.engines.size();
  const std::size_t first_list = out_.images.size();
  const std::size_t first_place = out_.arrangement.places.size();
  if (!read_fields(reading, root, "a configuration", out_, configuration_fields)) return;
  if (root.find("profile") == nullptr && !is_fragment(reading.file()))
    detail::complain_missing(reading, root, "profile");
  remember(reading, root, out_.origins);
  for (std::size_t at = first_shelf; at < out_.shelves.size(); ++at)
    shelves_.see(reading, out_.shelves[at].place, out_.shelves[at].name);
  for (std::size_t at = first_engine; at < out_.engines.size(); ++at)
    engines_.see(reading, root.find("engines")->items[at - first_engine].place, out_.engines[at].name);
  // Lists of images are shown among the shelves: one name, one of them.
  for (std::size_t at = first_list; at < out_.images.size(); ++at)
    shelves_.see(reading, out_.images[at].place, out_.images[at].name);
  if (const Node* const list = root.find("consumers")) {
    for (const Node& item : list->items) consumers_.see(reading, item.place, item.text);
  }
  for (std::size_t at = first_place; at < out_.arrangement.places.size(); ++at) {
    const CachePlace& place = out_.arrangement.places[at];
    places_.see(reading, root.find("places")->items[at - first_place].place, place.user + place.path);
  }
}

std::string_view to_text(Consumer consumer) {
  for (const Word<Consumer>& each : consumer_words) {
    if (each.value == consumer) return each.word;
  }
  return "docker";
}

}  // namespace fettle::profile
