#include "facts/scrub.h"

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <cctype>
#include <optional>

#include "base/json.h"
#include "base/text.h"

namespace fettle::facts {
namespace {

namespace json = boost::json;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// What names and addresses are made of; everything else ends a word.
bool is_of_a_word(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.' || c == ':';
}

// "aabbccdd" for one that is made of x digits: 8-4-4-4-12 and the like.
bool has_shape(std::string_view text, std::string_view shape) {
  if (text.size() != shape.size()) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (shape[at] == 'x' ? !is_hex(text[at]) : text[at] != shape[at]) return false;
  }
  return true;
}

bool is_uuid(std::string_view word) {
  return has_shape(word, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
}
bool is_mac(std::string_view word) {
  return has_shape(word, "xx:xx:xx:xx:xx:xx");
}
// What md writes: four groups of eight.
bool is_md_uuid(std::string_view word) {
  return has_shape(word, "xxxxxxxx:xxxxxxxx:xxxxxxxx:xxxxxxxx");
}

bool is_ipv4(std::string_view word) {
  const auto parts = split(word, '.');
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           const auto number = to_number<unsigned>(part);
           return number && *number <= 255 && part.size() <= 3;
         });
}

bool is_ipv6(std::string_view word) {
  if (word.size() < 3 || std::count(word.begin(), word.end(), ':') < 2) return false;
  if (!std::all_of(word.begin(), word.end(), [](char c) { return is_hex(c) || c == ':'; })) return false;
  return word.find("::") != std::string_view::npos || std::count(word.begin(), word.end(), ':') == 7;
}

bool is_token(std::string_view word) {
  constexpr std::string_view prefix = "hf_";
  return word.starts_with(prefix) && word.size() >= 12;
}

// Zeros, then the number, as long as what it replaces.
std::string padded(std::size_t number, std::size_t width) {
  std::string digits = std::to_string(number);
  if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
  return digits;
}

std::string alias_of(std::string_view sort, std::string_view name, std::size_t number) {
  if (is_uuid(name)) return "00000000-0000-4000-8000-" + padded(number, 12);
  if (is_md_uuid(name)) return "00000000:00000000:00000000:" + padded(number, 8);
  if (is_mac(name)) return "02:00:00:00:" + padded(number / 100, 2) + ":" + padded(number % 100, 2);
  if (sort == "address" && is_ipv4(name))
    return "198.18." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1);
  if (sort == "address") return "2001:db8::" + std::to_string(number);
  if (sort == "host") return "host-" + std::to_string(number);
  if (sort == "user") return "user-" + std::to_string(number);
  if (sort == "secret") return "REMOVED";
  // "eui.0025388b…", "0x8a3c…": the beginning says what kind of number it is.
  std::string_view head;
  if (const auto dot = name.find('.'); dot != std::string_view::npos) head = name.substr(0, dot + 1);
  if (name.starts_with("0x")) head = name.substr(0, 2);
  const bool is_number =
      std::all_of(name.begin() + static_cast<std::ptrdiff_t>(head.size()), name.end(), is_hex);
  constexpr std::string_view serial = "SERIAL";
  std::string alias(head);
  if (!is_number && name.size() >= head.size() + serial.size() + 2) alias += serial;
  return alias + padded(number, name.size() - std::min(name.size(), alias.size()));
}

// "000…", "N/A", "None": nobody's name.
bool is_nobody(std::string_view name) {
  constexpr std::array<std::string_view, 8> none{"none",          "n/a",   "unknown",        "not specified",
                                                 "not available", "empty", "default string", "localhost"};
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (std::find(none.begin(), none.end(), lower) != none.end()) return true;
  return lower.find_first_not_of("0x-:. ") == std::string::npos;
}

void walk(const json::value& value, std::string_view key, Scrub& scrub) {
  constexpr std::array<std::string_view, 9> names{"serial",     "serials",    "wwid",
                                                  "machine_id", "boot_id",    "product_uuid",
                                                  "generation", "array_uuid", "uuid"};
  if (value.is_object()) {
    for (const auto& [name, inner] : value.get_object()) walk(inner, name, scrub);
  } else if (value.is_array()) {
    for (const json::value& inner : value.get_array()) walk(inner, key, scrub);
  } else if (value.is_string() && std::find(names.begin(), names.end(), key) != names.end()) {
    scrub.learn("serial", std::string_view(value.get_string()));
  }
}

// The word before a "=" or ":" that makes what follows a secret.
bool names_a_secret(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const std::string_view ending : {"token", "password", "passwd", "secret", "apikey", "api_key"}) {
    if (lower.ends_with(ending)) return true;
  }
  return false;
}

}  // namespace

std::string Scrub::alias(std::string_view sort, std::string_view name) {
  auto& of_sort = aliases_[std::string(sort)];
  const auto known = of_sort.find(name);
  if (known != of_sort.end()) return known->second;
  return of_sort[std::string(name)] = alias_of(sort, name, of_sort.size() + 1);
}

void Scrub::learn(std::string_view sort, std::string_view name) {
  name = trim(name);
  // Shorter ones would be found in the middle of everything.
  constexpr std::size_t shortest = 5;
  if (name.size() < shortest || is_nobody(name)) return;
  (void)alias(sort, name);
  learned_.emplace(name, sort);
}

void Scrub::learn_number(std::string_view decimal) {
  const auto number = to_number<std::uint64_t>(trim(decimal));
  if (!number || *number == 0) return;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (int shift = 60; shift >= 0; shift -= 4)
    hex += digits[(*number >> static_cast<unsigned>(shift)) & 0xFU];
  learn("serial", hex);
  const auto same = to_number<std::uint64_t>(alias("serial", hex), 16);
  aliases_["serial"][std::string(trim(decimal))] = std::to_string(same.value_or(0));
  learned_.emplace(trim(decimal), "serial");
}

void Scrub::learn_json(std::string_view text) {
  if (const auto value = parse_json(text, "a captured file")) walk(*value, {}, *this);
}

std::string Scrub::word(std::string_view word, TextKind kind) {
  if (const auto known = learned_.find(word); known != learned_.end()) return alias(known->second, word);
  // The name of a host with its domain.
  const auto dot = word.find('.');
  if (const auto host = learned_.find(word.substr(0, dot)); host != learned_.end() && host->second == "host")
    return alias("host", word);
  if (is_uuid(word) || is_md_uuid(word)) return is_nobody(word) ? std::string(word) : alias("serial", word);
  if (is_mac(word)) return is_nobody(word) ? std::string(word) : alias("address", word);
  if (is_token(word)) return alias("secret", word);
  if (kind == TextKind::prose && (is_ipv4(word) || is_ipv6(word)) && !is_nobody(word) && word != "127.0.0.1")
    return alias("address", word);
  return std::string(word);
}

std::string Scrub::text(std::string_view text, TextKind kind) {
  std::string out;
  std::string_view before;  // the word before, for what follows a "="
  bool is_secret = false;
  for (std::size_t at = 0; at < text.size();) {
    if (!is_of_a_word(text[at])) {
      // Names with blanks and slashes in them are found as a whole.
      out += text[at];
      if (text[at] == '=') is_secret = kind == TextKind::prose && names_a_secret(before);
      if (text[at] == '\n' || text[at] == ' ') is_secret = false;
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_of_a_word(text[end])) ++end;
    // "27:00.0:" and "end." have a sign too many at their end.
    std::size_t stop = end;
    while (stop > at + 1 && (text[stop - 1] == '.' || text[stop - 1] == ':')) --stop;
    const std::string_view name = text.substr(at, stop - at);
    const bool is_home = kind == TextKind::prose && (out.ends_with("/home/") || out.ends_with("/run/user/"));
    const std::string_view rest = text.substr(stop);
    // https://name, someone@name, and name:/export of a share
    const bool is_host = kind == TextKind::prose && (out.ends_with("://") || out.ends_with('@') ||
                                                     (rest.starts_with(":/") && !rest.starts_with("://")));
    if (kind == TextKind::prose && rest.starts_with('@')) {
      out += alias("user", name);
    } else if (is_secret) {
      out += alias("secret", name);
    } else if (is_home) {
      out += alias("user", name);
    } else if (is_host) {
      out += alias("host", name);
    } else {
      out += word(name, kind);
    }
    out += text.substr(stop, end - stop);
    before = name;
    if (stop < end && text[stop] == ':') is_secret = kind == TextKind::prose && names_a_secret(name);
    at = end;
  }
  return out;
}

std::map<std::string, std::uint64_t> Scrub::counts() const {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [sort, names] : aliases_) counts[sort] = names.size();
  return counts;
}

}  // namespace fettle::facts
