#include "serve/print.h"

#include <boost/json/serialize.hpp>

#include "base/utc.h"

namespace fettle::serve {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t label_limit = 200;

// The length of the UTF-8 sequence at the start of `text`, 0 when there is none. Overlong forms, surrogates
// and anything above U+10FFFF are none.
std::size_t sequence(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0U) == 0x80U; };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || !continues(1)) return 0;
  if (first < 0xE0) return 2;
  if (!continues(2)) return 0;
  if (first < 0xF0) {
    if (first == 0xE0 && at(1) < 0xA0) return 0;
    return first == 0xED && at(1) >= 0xA0 ? 0 : 3;
  }
  if (first > 0xF4 || !continues(3)) return 0;
  if (first == 0xF0 && at(1) < 0x90) return 0;
  return first == 0xF4 && at(1) >= 0x90 ? 0 : 4;
}

}  // namespace

std::string utc(std::chrono::system_clock::time_point time) {
  return time == std::chrono::system_clock::time_point{} ? std::string() : utc_text(time);
}

std::string as_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence(text);
    out += length == 0 ? replacement : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string one_line(const boost::json::value& value) {
  return as_utf8(boost::json::serialize(value));
}

std::string label(std::string_view value) {
  std::string out;
  for (const char c : as_utf8(value.substr(0, label_limit))) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

boost::json::object event_json(const store::Event& event) {
  return {{"id", event.id}, {"at", utc(event.at)}, {"subject", event.subject}, {"says", event.says}};
}

}  // namespace fettle::serve
