// The distribution and its point release.
#include "base/text.h"
#include "facts/readers.h"

namespace fettle::facts {
namespace {

// The value of an os-release line without its quotes; the escapes of a shell are taken off.
std::string unquoted(std::string_view value) {
  value = trim(value);
  const bool quoted =
      value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
  if (quoted) value = value.substr(1, value.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    out += value[i];
  }
  return out;
}

// The first version in a text such as "Ubuntu 24.04.3 LTS", as it is written there; empty when there is none.
std::string version_in(std::string_view text) {
  for (const std::string_view word : split(text, ' ')) {
    const auto version = parse_version(word);
    if (version) return std::string(word.substr(0, word.size() - version->rest.size()));
  }
  return {};
}

}  // namespace

Result<Os> parse_os_release(std::string_view text, std::string_view file) {
  Os os;
  std::string version;
  std::string version_id;
  for (const std::string_view line : lines(text)) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, equals);
    const std::string value = unquoted(line.substr(equals + 1));
    if (key == "ID") os.id = value;
    if (key == "PRETTY_NAME") os.pretty = value;
    if (key == "VERSION") version = value;
    if (key == "VERSION_ID") version_id = value;
  }
  // VERSION_ID has no point release, so it comes last.
  for (const std::string& candidate : {version, os.pretty, version_id}) {
    if (os.release.empty()) os.release = version_in(candidate);
  }
  if (os.id.empty()) {
    return fail(Why::malformed, "cannot tell the distribution: '" + std::string(file) + "' has no ID",
                "the file comes with the package base-files; reinstall it");
  }
  return os;
}

Result<Os> read_os(const system::Files& files) {
  constexpr std::string_view usual = "/etc/os-release";
  constexpr std::string_view vendor = "/usr/lib/os-release";  // os-release(5): read when the first is missing
  auto text = files.read(usual, 64_KiB);
  if (text) return parse_os_release(*text, usual);
  if (text.error().why != Why::missing) return fail(text.error());
  text = files.read(vendor, 64_KiB);
  if (text) return parse_os_release(*text, vendor);
  return fail(text.error());
}

}  // namespace fettle::facts
