// The floor plan as a test: which room may include which, which room is the door to which library, and how
// long a file may be. A new arrow is a row here and needs a reason.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.h"
#include "support/source.h"

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

// What each room may include, itself left out. "main" are the files directly below daemon/.
const std::map<std::string, Names> rooms{
    {"base", {}},
    {"system", {"base"}},
    {"archive", {"base", "system"}},
    {"store", {"base", "system"}},
    {"profile", {"base", "system", "archive", "store"}},
    {"facts", {"base", "system", "archive", "store", "profile"}},
    {"health", {"base", "system", "archive", "store", "profile", "facts"}},
    {"storage", {"base", "system", "archive", "store", "profile", "facts"}},
    // Settings of the host: judges, plans and writes them, as storage does with drives.
    {"host", {"base", "system", "archive", "store", "profile", "facts"}},
    {"env", {"base", "system", "archive", "store", "profile", "facts"}},
    {"models", {"base", "system", "archive", "store", "profile", "facts"}},
    // Runs probes and writes what they found; reads facts, judges nothing.
    {"collect", {"base", "system", "archive", "store", "profile", "facts"}},
    // Asks inference engines and says what their answers mean.
    {"engine", {"base", "system", "archive", "store", "profile", "facts"}},
    // Compiled code of images: what there is, in and out as archives, and what nothing needs any more.
    {"jit", {"base", "system", "archive", "store", "profile", "facts"}},
    // What has to go before a root file system becomes an image.
    {"seal", {"base", "system", "archive", "store", "profile", "facts"}},
    // Container images: asks docker or podman and has them pull.
    {"images", {"base", "system", "archive", "store", "profile"}},
    {"shelf", {"base", "system", "archive", "store", "profile", "facts"}},
    {"serve",
     {"base", "system", "archive", "store", "profile", "facts", "health", "host", "storage", "env", "models",
      "shelf"}},
    {"app",
     {"base", "system", "archive", "store", "profile", "facts", "health", "host", "storage", "env", "models",
      "collect", "engine", "images", "shelf", "serve"}},
    {"cli",
     {"base", "system", "archive", "store", "profile", "facts", "health", "host", "storage", "env", "models",
      "collect", "engine", "jit", "seal", "images", "shelf", "serve", "app"}},
    {"main", {"base", "system", "profile", "app", "cli"}},
};

// A library, how its headers begin, and the only places that may include them: a room, or a file without
// ending.
struct Door {
  const char* library;
  std::vector<std::string> headers;
  Names open_to;
};

const std::vector<Door> doors{
    {"libarchive", {"archive.h", "archive_entry.h"}, {"archive"}},
    {"SQLite", {"sqlite3.h"}, {"store"}},
    {"yaml-cpp", {"yaml-cpp/"}, {"profile"}},
    {"Boost.Process", {"boost/process"}, {"system/runner"}},
    {"libblkid", {"blkid", "blkid/"}, {"system/block"}},
    {"libsystemd", {"systemd/"}, {"app", "system", "serve/listen"}},
    {"Boost.Beast", {"boost/beast"}, {"serve", "cli/client", "engine/ask"}},
    {"OpenSSL", {"openssl/"}, {"shelf/verify", "storage/consent", "profile/bundle_proof"}},
    {"CLI11", {"CLI/"}, {"cli/words.cpp"}},
    {"spdlog", {"spdlog/"}, {"app"}},
    // P3, P4: files and programs have one door too.
    {"the file system", {"fstream", "dirent.h"}, {"system", "main", "archive"}},
    {"children", {"spawn.h", "sys/wait.h"}, {"system/runner"}},
};

struct Source {
  std::string name;  // "storage/plan.cpp"
  std::string room;
  std::vector<std::string> includes;
  std::size_t line_count = 0;
};

std::string include_of(std::string_view line) {
  constexpr std::string_view word = "#include";
  if (line.substr(0, word.size()) != word) return {};
  line = fettle::trim(line.substr(word.size()));
  if (line.size() < 3) return {};
  const char close = line.front() == '<' ? '>' : '"';
  return std::string(line.substr(1, line.find(close, 1) - 1));
}

std::vector<Source> read_sources(const fs::path& top) {
  std::vector<Source> sources;
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    const std::string ending = entry.path().extension().string();
    if (ending != ".h" && ending != ".cpp") continue;
    Source source;
    const fs::path name = fs::relative(entry.path(), top);
    source.name = name.string();
    source.room = std::distance(name.begin(), name.end()) == 1 ? "main" : name.begin()->string();
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      ++source.line_count;
      if (std::string include = include_of(line); !include.empty())
        source.includes.push_back(std::move(include));
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

const std::vector<Source>& daemon_sources() {
  static const std::vector<Source> sources = read_sources(fettle::test::source_dir() / "daemon");
  return sources;
}

bool is_open_to(const Door& door, const Source& source) {
  return std::any_of(door.open_to.begin(), door.open_to.end(), [&](const std::string& place) {
    if (place.find('/') == std::string::npos) return source.room == place;
    return source.name.rfind(place, 0) == 0;  // "serve/sockets" stands for its .h and .cpp
  });
}

}  // namespace

TEST_CASE("layers: every file has its room and every room its row") {
  REQUIRE(daemon_sources().size() > 20);
  for (const Source& source : daemon_sources()) {
    CAPTURE(source.name);
    CHECK(rooms.count(source.room) == 1);
    CHECK(std::count(source.name.begin(), source.name.end(), '/') <= 1);
  }
}

TEST_CASE("layers: includes go left only") {
  for (const Source& source : daemon_sources()) {
    const auto row = rooms.find(source.room);
    if (row == rooms.end()) continue;  // said above
    for (const std::string& include : source.includes) {
      const auto slash = include.find('/');
      if (slash == std::string::npos) continue;
      const std::string target = include.substr(0, slash);
      if (rooms.count(target) == 0 || target == source.room) continue;
      INFO(source.name << " includes " << include);
      CHECK(row->second.count(target) == 1);
    }
  }
}

TEST_CASE("layers: each library has one door") {
  for (const Source& source : daemon_sources()) {
    for (const Door& door : doors) {
      for (const std::string& include : source.includes) {
        const bool is_its_header =
            std::any_of(door.headers.begin(), door.headers.end(), [&](const std::string& header) {
              return header.back() == '/'
                         ? include.rfind(header, 0) == 0
                         : include == header || include == header + ".hpp" || include == header + ".h" ||
                               include.rfind(header + "/", 0) == 0;
            });
        if (!is_its_header) continue;
        INFO(source.name << " includes " << include << ", which belongs to " << door.library);
        CHECK(is_open_to(door, source));
      }
    }
  }
}

TEST_CASE("layers: no file is longer than 500 lines") {
  std::vector<Source> sources = daemon_sources();
  for (const char* room : {"tests", "bench"}) {
    const auto more = read_sources(fettle::test::source_dir() / room);
    sources.insert(sources.end(), more.begin(), more.end());
  }
  for (const Source& source : sources) {
    CAPTURE(source.name);
    CHECK(source.line_count <= 500);
  }
}

namespace {

// The text of every source, by name, without those that `may_say` lists (rooms, or files without ending).
void check_never_says(const Names& may_say, const std::vector<std::string>& forbidden) {
  for (const Source& source : daemon_sources()) {
    if (is_open_to({"", {}, may_say}, source)) continue;
    std::ifstream in(fettle::test::source_dir() / "daemon" / source.name);
    std::ostringstream text;
    text << in.rdbuf();
    for (const std::string& word : forbidden) {
      INFO(source.name << " says " << word);
      CHECK(text.str().find(word) == std::string::npos);
    }
  }
}

}  // namespace

TEST_CASE("layers: nothing is forced anywhere") {
  // mdadm and mkfs guard the disks only as long as nobody tells them not to.
  check_never_says({}, {"\"--force\"", "\"--run\"", "\"-f\"", "\"--assume-clean\"", "\"--all\"", "\"-a\"",
                        "\"yes\", \"|\""});
}

TEST_CASE("layers: files are opened in one room, and the environment is read in one") {
  check_never_says({"system", "archive", "main"},
                   {" ::open(", "(::open(", "getenv(", "directory_iterator", "filesystem::exists",
                    "filesystem::remove", "filesystem::create", "filesystem::status"});
}
