#include "archive/entry.h"

#include <vector>

#include "base/text.h"

namespace fettle::archive {
namespace {

constexpr std::size_t longest_component = 255;  // NAME_MAX
constexpr std::size_t longest_path = 4096;      // PATH_MAX

tl::unexpected<Error> bad_name(std::string_view path, std::string_view because) {
  std::string shown;
  for (const char c : path.substr(0, 200))
    shown += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return fail(Why::malformed, "cannot use '" + shown + "' as a name: " + std::string(because),
              "the source of these files is broken or hostile");
}

}  // namespace

Result<void> check_path(std::string_view path) {
  if (path.empty()) return bad_name(path, "it is empty");
  if (path.front() == '/') return bad_name(path, "it is absolute");
  if (path.size() > longest_path) return bad_name(path, "it is longer than 4096 bytes");
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return bad_name(path, "it has a control character");
    if (c == '\\') return bad_name(path, "it has a backslash");
  }
  for (const std::string_view component : split(path, '/')) {
    if (component.empty()) return bad_name(path, "it has an empty component");
    if (component == "." || component == "..") return bad_name(path, "it has a '.' or '..' component");
    if (component.size() > longest_component) return bad_name(path, "a component is longer than 255 bytes");
  }
  return {};
}

Result<void> check_link(std::string_view path, std::string_view target) {
  if (target.empty() || target.front() == '/' || target.size() > longest_path) {
    return bad_name(path, "it is a link that points to an absolute or empty path");
  }
  for (const char c : target) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return bad_name(path, "its target has a control character");
  }
  // Folders between the first one and the link itself: going up more often leaves the first folder.
  std::size_t depth = split(path, '/').size();
  if (depth < 2) return bad_name(path, "it is a link outside of any folder");
  depth -= 2;
  for (const std::string_view component : split(target, '/')) {
    if (component.empty() || component == ".")
      return bad_name(path, "it is a link with an empty or '.' component");
    if (component != "..") {
      ++depth;
    } else if (depth == 0) {
      return bad_name(path, "it is a link that points out of its folder");
    } else {
      --depth;
    }
  }
  return {};
}

}  // namespace fettle::archive
