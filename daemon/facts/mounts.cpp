// What is mounted where, from mountinfo.
#include <algorithm>

#include "base/text.h"
#include "facts/readers.h"

namespace fettle::facts {
namespace {

constexpr std::string_view mountinfo = "/proc/self/mountinfo";
constexpr Bytes mountinfo_limit = 16_MiB;  // 5,000 mounts of containers are about 2 MiB

// Options of the mount, then those of the file system that it does not repeat. Whether it can be written is
// the file system's answer alone: ProtectSystem=strict makes every mount "ro" in the daemon's own view, the
// cache too.
std::string merged(std::string_view of_mount, std::string_view of_file_system) {
  const auto first = split(of_mount, ',');
  const auto second = split(of_file_system, ',');
  const auto has = [](const auto& list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  std::string options = has(second, "ro") ? "ro" : "rw";
  for (const auto* const list : {&first, &second}) {
    for (const std::string_view option : *list) {
      if (option.empty() || option == "rw" || option == "ro") continue;
      if (list == &second && has(first, option)) continue;
      options.append(",").append(option);
    }
  }
  return options;
}

}  // namespace

std::string unescape_octal(std::string_view text) {
  const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '\\' && i + 3 < text.size() && text[i + 1] <= '3' &&
                        is_octal(text[i + 1]) && is_octal(text[i + 2]) && is_octal(text[i + 3]);
    if (!escape) {
      out += text[i];
      continue;
    }
    out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

Result<std::vector<Mount>> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  std::size_t number = 0;
  for (const std::string_view line : lines(text)) {
    ++number;
    // 36 35 98:0 /root /where rw,noatime shared:1 - ext4 /dev/root rw,errors=continue
    const auto words = split(line, ' ');
    const auto separator = words.size() < 7 ? words.end() : std::find(words.begin() + 6, words.end(), "-");
    if (separator == words.end() || words.end() - separator < 4) {
      return fail(Why::malformed,
                  "cannot read '" + std::string(mountinfo) + "': line " + std::to_string(number) +
                      " does not have the fields of a mount",
                  "the kernel writes this file; look at that line");
    }
    Mount mount;
    mount.device = words[2];
    mount.where = unescape_octal(words[4]);
    mount.type = separator[1];
    mount.what = unescape_octal(separator[2]);
    mount.options = merged(words[5], separator[3]);
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

Result<std::vector<Mount>> read_mounts(const system::Files& files) {
  const auto text = files.read(mountinfo, mountinfo_limit);
  if (!text) return fail(text.error());
  return parse_mountinfo(*text);
}

}  // namespace fettle::facts
