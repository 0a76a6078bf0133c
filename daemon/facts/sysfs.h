// Single values of sysfs and procfs, as the readers need them.
#pragma once

#include <string>
#include <string_view>

#include "base/text.h"
#include "system/files.h"

namespace fettle::facts {

// One attribute, trimmed. 64 KiB: attributes are at most a page, procfs files of one value less.
inline Result<std::string> read_value(const system::Files& files, const std::string& path) {
  auto text = files.read(path, 64_KiB);
  if (!text) return text;
  return std::string(trim(*text));
}

// The same where a kernel may not have the file: missing gives an empty text, "may not read" stays an error.
inline Result<std::string> read_optional(const system::Files& files, const std::string& path) {
  auto text = read_value(files, path);
  if (!text && text.error().why == Why::missing) return std::string();
  return text;
}

// A whole number; anything else in the file is malformed.
template <class Number>
Result<Number> read_number(const system::Files& files, const std::string& path, int base = 10) {
  const auto text = read_value(files, path);
  if (!text) return fail(text.error());
  const auto number = to_number<Number>(*text, base);
  if (!number) return fail(Why::malformed, "cannot read '" + path + "': '" + *text + "' is not a number");
  return *number;
}

// Names in a directory; one that is not there holds none.
inline Result<std::vector<std::string>> list_optional(const system::Files& files, const std::string& path) {
  auto names = files.list(path);
  if (!names && names.error().why == Why::missing) return std::vector<std::string>();
  return names;
}

}  // namespace fettle::facts
