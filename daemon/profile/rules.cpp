#include "profile/rules.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace fettle::profile {
namespace {

constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digit = "0123456789";
constexpr std::string_view hex_digit = "0123456789abcdef";

// Every character is in one of the sets.
template <class... Sets>
bool made_of(std::string_view text, Sets... sets) {
  for (const char character : text) {
    if (((std::string_view(sets).find(character) == std::string_view::npos) && ...)) return false;
  }
  return true;
}

// Not empty and not too long.
bool word(std::string_view text, std::size_t longest) {
  return !text.empty() && text.size() <= longest;
}

// A registry is told from a path by its dot or port.
bool is_image(std::string_view text) {
  const auto slash = std::min(text.find('/'), text.size());
  const std::string_view registry = text.substr(0, slash);
  const auto colon = std::min(registry.find(':'), registry.size());
  const std::string_view host = registry.substr(0, colon);
  if (!word(host, 253) || !made_of(host, lower, digit, ".-") || host.find_first_of(".-") == 0) return false;
  const bool has_port = colon < registry.size();
  if (has_port && !(word(registry.substr(colon + 1), 5) && made_of(registry.substr(colon + 1), digit)))
    return false;
  if (!has_port && host.find('.') == std::string_view::npos) return false;
  if (slash == text.size() || text.size() > 255) return false;
  for (const std::string_view part : split(text.substr(slash + 1), '/')) {
    if (part.empty() || !made_of(part, lower, digit, "._-") || part.find_first_of("._-") == 0) return false;
  }
  return true;
}

bool is_tag(std::string_view text) {
  return word(text, 128) && made_of(text, lower, upper, digit, "_.-") && text.find_first_of(".-") != 0;
}

bool is_digest(std::string_view text) {
  constexpr std::string_view algorithm = "sha256:";
  return text.size() == algorithm.size() + 64 && text.starts_with(algorithm) &&
         made_of(text.substr(algorithm.size()), hex_digit);
}

bool is_absolute(std::string_view path) {
  if (path.size() < 2 || path.size() > 1024 || path[0] != '/') return false;
  for (const std::string_view part : split(path.substr(1), '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return made_of(path, lower, upper, digit, "/._+-");
}

// A directory that may be led elsewhere: below one of the top, and none of the system's own.
bool is_place(std::string_view path) {
  if (path.starts_with("~/")) return is_absolute(path.substr(1));
  if (!is_absolute(path)) return false;
  constexpr std::array<std::string_view, 11> of_the_system{"bin",  "boot", "dev",  "etc", "lib", "lib64",
                                                           "proc", "run",  "sbin", "sys", "usr"};
  const auto parts = split(path.substr(1), '/');
  return parts.size() > 1 &&
         std::find(of_the_system.begin(), of_the_system.end(), parts[0]) == of_the_system.end();
}

bool is_variable(std::string_view text) {
  return word(text, 128) && made_of(text.substr(0, 1), upper, "_") && made_of(text, upper, digit, "_");
}

// As the hub allows it: `owner/name` or an old `name`. "--" separates the parts in the client's cache.
bool is_repository(std::string_view text) {
  const auto parts = split(text, '/');
  if (parts.size() > 2) return false;
  for (const std::string_view part : parts) {
    if (!word(part, 96) || !made_of(part, lower, upper, digit, "._-")) return false;
    if (part.front() == '-' || part.front() == '.' || part.back() == '-' || part.back() == '.') return false;
    if (part.find("--") != std::string_view::npos || part.find("..") != std::string_view::npos) return false;
  }
  return true;
}

bool is_branch(std::string_view text) {
  return word(text, 128) && made_of(text.substr(0, 1), lower, upper, digit) &&
         made_of(text, lower, upper, digit, "._/-") && text.find("..") == std::string_view::npos &&
         text.find("//") == std::string_view::npos && text.back() != '/';
}

// A minus at the front would be an option of the client.
bool is_pattern(std::string_view text) {
  if (!word(text, 256) || text[0] == '-' || text[0] == '/') return false;
  for (const std::string_view part : split(text, '/')) {
    if (part == "..") return false;
  }
  return true;
}

// One file for each image and each container, or they would overwrite each other's.
bool is_file_of_an_image(std::string_view text) {
  return word(text, 128) && made_of(text, lower, upper, digit, "{}%._-") && text[0] != '.' &&
         text[0] != '-' && text.find("{image}") != std::string_view::npos &&
         text.find("{container}") != std::string_view::npos;
}

bool is_package(std::string_view text) {
  const auto slash = text.find('/');
  return slash != std::string_view::npos && slash > 0 && is_absolute(text.substr(slash)) &&
         made_of(text.substr(0, slash), lower, upper, digit, "_");
}

// Printable and of one word: it becomes part of a line in a file of ours.
bool is_word(std::string_view text) {
  return word(text, 256) && made_of(text, lower, upper, digit, "._-+:=,/@%");
}

// Part of sysfs and without a way out of it; '*' stands for any characters but '/'.
bool is_sysfs(std::string_view text) {
  std::string path(text);
  std::replace(path.begin(), path.end(), '*', '_');
  return is_absolute(path) && path.substr(0, 5) == "/sys/";
}

bool is_dotted(std::string_view text) {
  if (!word(text, 128) || !made_of(text, lower, upper, digit, "._-")) return false;
  for (const std::string_view part : split(text, '.')) {
    if (part.empty()) return false;
  }
  return text.find('.') != std::string_view::npos;
}

// Without user and password: secrets do not belong into a file that everybody may read.
bool is_endpoint(std::string_view text) {
  const std::string_view rest = text.substr(0, 8) == "https://"  ? text.substr(8)
                                : text.substr(0, 7) == "http://" ? text.substr(7)
                                                                 : std::string_view();
  return word(rest, 256) && rest[0] != '/' && made_of(rest, lower, upper, digit, "._-:/[]");
}

// What no name server is asked about, and no packet leaves the node for.
bool is_loopback(std::string_view text) {
  for (const std::string_view host : {"http://127.0.0.1:", "http://localhost:", "http://[::1]:"}) {
    if (!text.starts_with(host)) continue;
    const std::string_view port = text.substr(host.size());
    return word(port, 5) && made_of(port, digit) && port[0] != '0' &&
           to_number<unsigned>(port).value_or(0) <= 65535;
  }
  return false;
}

// Several of them are joined with commas for the client.
bool is_host(std::string_view text) {
  return word(text, 256) && made_of(text, lower, upper, digit, "._-:/");
}

bool is_version(std::string_view text) {
  return word(text, 32) && made_of(text.substr(0, 1), digit) && made_of(text, digit, ".x");
}

bool is_date_of(std::string_view text, std::string_view form) {
  if (text.size() != form.size()) return false;
  for (std::size_t at = 0; at < form.size(); ++at) {
    if (form[at] == '-' ? text[at] != '-' : !made_of(text.substr(at, 1), digit)) return false;
  }
  return true;
}

// A cache there would be hidden, lost or out of reach.
struct BadPlace {
  std::string_view path;
  std::string_view why;
};
constexpr BadPlace resource_disk{"/mnt",
                                 "cloud-init mounts the resource disk on /mnt and hides what lies there"};
constexpr std::array bad_places{
    BadPlace{"/tmp", "/tmp is emptied, and services see one of their own"},
    BadPlace{"/var/tmp", "/var/tmp is emptied, and services see one of their own"},
    BadPlace{"/run", "/run is memory"},
    BadPlace{"/dev", "/dev is memory"},
    BadPlace{"/proc", "/proc holds no files"},
    BadPlace{"/sys", "/sys holds no files"},
    BadPlace{"/home", "services cannot see /home"},
    BadPlace{"/root", "services cannot see /root"},
    BadPlace{"/boot", "/boot belongs to the system"},
    BadPlace{"/etc", "/etc belongs to the system"},
    BadPlace{"/usr", "/usr belongs to the system"},
    BadPlace{"/var/lib/fettle", "/var/lib/fettle has the records that tell which drives are the cache"},
};

// A mount on one of these would hide what other software keeps there; below them it does not.
constexpr std::array shared_places{
    std::string_view("/bin"),       std::string_view("/lib"),       std::string_view("/lib64"),
    std::string_view("/media"),     std::string_view("/mnt"),       std::string_view("/opt"),
    std::string_view("/sbin"),      std::string_view("/srv"),       std::string_view("/var"),
    std::string_view("/var/cache"), std::string_view("/var/lib"),   std::string_view("/var/log"),
    std::string_view("/var/mail"),  std::string_view("/var/spool"),
};

bool lies_in(std::string_view path, std::string_view place) {
  return path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/');
}

}  // namespace

bool is_name(std::string_view text) {
  return word(text, 64) && made_of(text.substr(0, 1), lower, digit) && made_of(text, lower, digit, "._-");
}

bool is_commit(std::string_view text) {
  return text.size() == 40 && made_of(text, hex_digit);
}

std::string_view why_not_cache_path(std::string_view path) {
  if (lies_in(path, resource_disk.path)) return resource_disk.why;
  for (const BadPlace& place : bad_places) {
    if (lies_in(path, place.path)) return place.why;
  }
  return {};
}

std::string_view why_not_mount_point(std::string_view path) {
  if (std::find(shared_places.begin(), shared_places.end(), path) != shared_places.end())
    return "a mount there would hide what others keep in it";
  return lies_in(path, resource_disk.path) ? std::string_view() : why_not_cache_path(path);
}

const Rule name_rule{&is_name,
                     "a name of a-z, 0-9, '.', '_' and '-', at most 64, beginning with a letter or digit"};
const Rule sentence_rule{[](std::string_view text) { return word(text, 1000); }, "a text of 1 to 1000 bytes"};
const Rule value_rule{[](std::string_view text) { return text.size() <= 4096; },
                      "a text of at most 4096 bytes"};
const Rule variable_rule{&is_variable, "a name of A-Z, 0-9 and '_', not beginning with a digit"};
const Rule user_rule{[](std::string_view text) {
                       return word(text, 32) && made_of(text.substr(0, 1), lower, "_") &&
                              made_of(text, lower, digit, "_-");
                     },
                     "a name of a-z, 0-9, '_' and '-', beginning with a letter"};
const Rule repository_rule{&is_repository, "OWNER/NAME as the hub writes it"};
const Rule branch_rule{&is_branch, "a branch or tag of the repository"};
const Rule pattern_rule{&is_pattern, "a pattern of file names in the repository, such as *.safetensors"};
const Rule path_rule{&is_absolute,
                     "an absolute path of letters, digits, '.', '_', '+' and '-', without '..'"};
const Rule file_rule{
    &is_file_of_an_image,
    "a file name with {image} and {container} in it, of letters, digits, '.', '_', '-' and %d"};
const Rule package_rule{&is_package, "a Python package and a directory in it, such as aiter/jit"};
const Rule place_rule{&is_place,
                      "a path such as /var/lib/docker or ~/.cache/huggingface, none of the system's own"};
const Rule endpoint_rule{&is_endpoint, "an http or https address without user and password"};
const Rule loopback_rule{&is_loopback, "http:// with 127.0.0.1, localhost or [::1], and a port"};
const Rule host_rule{&is_host, "a host, a domain with a dot in front, or an address"};
const Rule image_rule{&is_image, "an image with its registry, without tag: docker.io/library/postgres"};
const Rule tag_rule{&is_tag, "a tag of letters, digits, '.', '_' and '-', at most 128"};
const Rule digest_rule{&is_digest, "sha256: and 64 hex digits"};
const Rule version_rule{&is_version, "a version such as 7.0.2 or 6.4.x"};
const Rule date_rule{[](std::string_view text) { return is_date_of(text, "yyyy-mm-dd"); },
                     "a date such as 2025-10-10"};
const Rule month_rule{[](std::string_view text) { return is_date_of(text, "yyyy-mm"); },
                      "a month such as 2026-11"};
const Rule amount_rule{[](std::string_view text) {
                         const auto point = text.find('.');
                         const std::string_view whole = text.substr(0, point);
                         const std::string_view part =
                             point == std::string_view::npos ? "0" : text.substr(point + 1);
                         return !whole.empty() && whole.size() <= 9 && made_of(whole, digit) &&
                                !part.empty() && part.size() <= 3 && made_of(part, digit);
                       },
                       "an amount such as 31.2: at most nine digits, and three behind the point"};
const Rule currency_rule{[](std::string_view text) {
                           return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) {
                                    return c >= 'A' && c <= 'Z';
                                  });
                         },
                         "three capital letters such as USD or EUR"};
const Rule dotted_rule{&is_dotted, "names joined by dots, such as kernel.numa_balancing"};
const Rule sysfs_rule{&is_sysfs, "a path below /sys, '*' for any part of a name"};
const Rule word_rule{&is_word, "one word of letters, digits and ._-+:=,/@%"};
const Rule beside_rule{[](std::string_view text) {
                         const auto equals = text.find('=');
                         return equals != std::string_view::npos && is_word(text) && equals > 0 &&
                                text.substr(0, equals).find('/') == std::string_view::npos;
                       },
                       "FILE=VALUE of a file in the same directory, such as name=C2"};
const Rule pci_rule{[](std::string_view text) {
                      return text.size() == 6 && text.substr(0, 2) == "0x" &&
                             made_of(text.substr(2), hex_digit);
                    },
                    "a PCI device id such as \"0x74a1\""};

}  // namespace fettle::profile
