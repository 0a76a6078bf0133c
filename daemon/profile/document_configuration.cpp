// The kind "configuration": /etc/fettle/fettle.yaml.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "profile/documents.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

void named(Reading& reading, const Node& node, const std::string& what, Named& out) {
  out.place = node.place;
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
  list_of<choice<consumer_words, Consumer>, Consumer>(reading, node, what, out.consumers);
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
  list_of<place, CachePlace>(reading, node, what, out.places);
}

constexpr std::array configuration_fields{
    header<Configuration>("schema"),
    header<Configuration>("kind"),
    field<&Configuration::profile, named>("profile", Need::required),
    field<&Configuration::shelves, list_of<named, Named>>("shelves"),
    field<&Configuration::cache, read_cache>("cache"),
    field<&Configuration::price, read_price>("price"),
    field<&Configuration::engines, list_of<engine, Engine>>("engines"),
    field<&Configuration::arrangement, consumers>("consumers"),
    field<&Configuration::arrangement, places>("places"),
};

}  // namespace

void read_configuration(Reading& reading, const Node& root, Configuration& out) {
  if (!read_fields(reading, root, "a configuration", out, configuration_fields)) return;
  Once shelves("the shelf");
  for (const Named& shelf : out.shelves) shelves.see(reading, shelf.place, shelf.name);
  Once engines("the engine");
  if (const Node* const list = root.find("engines")) {
    for (std::size_t at = 0; at < out.engines.size(); ++at)
      engines.see(reading, list->items[at].place, out.engines[at].name);
  }
  Once consumers("the consumer");
  if (const Node* const list = root.find("consumers")) {
    for (const Node& item : list->items) consumers.see(reading, item.place, item.text);
  }
  Once places("the place");
  for (std::size_t at = 0; at < out.arrangement.places.size(); ++at) {
    const CachePlace& place = out.arrangement.places[at];
    places.see(reading, root.find("places")->items[at].place, place.user + place.path);
  }
}

std::string_view to_text(Consumer consumer) {
  for (const Word<Consumer>& each : consumer_words) {
    if (each.value == consumer) return each.word;
  }
  return "docker";
}

}  // namespace fettle::profile
