// Small questions about text that the standard library of C++20 does not answer.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fettle {

// Without white space (blank, tab, newline) and NUL at both ends: sysfs pads model and serial.
inline std::string_view trim(std::string_view text) {
  constexpr std::string_view space(" \t\r\n\0", 5);
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// The lines of a text; a final newline does not make an empty last line.
inline std::vector<std::string_view> lines(std::string_view text) {
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (text.empty()) return {};
  return split(text, '\n');
}

// The whole text as a decimal or (base 16, after an optional 0x) hexadecimal number, or nothing.
template <class Number>
std::optional<Number> to_number(std::string_view text, int base = 10) {
  if (base == 16 && text.substr(0, 2) == "0x") text.remove_prefix(2);
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [rest, err] = std::from_chars(text.data(), end, number, base);
  if (err != std::errc() || rest != end || text.empty()) return std::nullopt;
  return number;
}

// "1 drive", "8 drives": English wants to agree.
inline std::string count_of(std::size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

// "1 repository", "2 repositories".
inline std::string count_of(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

}  // namespace fettle
