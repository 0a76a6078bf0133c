#include <doctest/doctest.h>

#include <array>
#include <cstdio>

#include "archive/reader.h"
#include "archive/staging.h"
#include "archive/writer.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::archive;
using fettle::test::Tree;

namespace {

const auto no_tick = []() -> Result<void> { return {}; };

// One ustar header block with its content, made by hand: our writer refuses to write what these tests need.
std::string member(std::string_view name, char type, std::string_view content, std::string_view target = {},
                   unsigned mode = 0644, std::uint64_t claimed_size = ~0ULL) {
  std::string block(512, '\0');
  const auto put = [&](std::size_t at, std::string_view text) { block.replace(at, text.size(), text); };
  std::array<char, 16> number{};
  put(0, name.substr(0, 100));
  std::snprintf(number.data(), number.size(), "%07o", mode);
  put(100, number.data());
  put(108, "0000000");
  put(116, "0000000");
  const std::uint64_t size = claimed_size != ~0ULL ? claimed_size : content.size();
  std::snprintf(number.data(), number.size(), "%011llo", static_cast<unsigned long long>(size));
  put(124, number.data());
  put(136, "00000000000");
  put(148, "        ");
  block[156] = type;
  put(157, target.substr(0, 100));
  put(257, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  std::snprintf(number.data(), number.size(), "%06o", sum);
  put(148, std::string_view(number.data(), 7));
  block += content;
  block.resize((block.size() + 511) / 512 * 512, '\0');
  return block;
}

const std::string end(1024, '\0');

// The error of reading everything, or empty.
std::string read_all(const Tree& tree, const Limits& limits = {}) {
  auto reader = Reader::open(tree.files(), "/a.tar", limits);
  if (!reader) return reader.error().said;
  while (true) {
    const auto entry = reader->next();
    if (!entry) return entry.error().said;
    if (!*entry) return {};
    const auto read = reader->content([](std::string_view) -> Result<void> { return {}; });
    if (!read) return read.error().said;
  }
}

std::string read_all(std::string_view archive, const Limits& limits = {}) {
  Tree tree;
  tree.file("/a.tar", archive);
  return read_all(tree, limits);
}

}  // namespace

TEST_CASE("archive: names that must not become paths") {
  for (const std::string_view good : {"a", "a/b", "models--a--b/blobs/c", "..a/b..", "a b", "\xc3\xa9"}) {
    CAPTURE(good);
    CHECK(check_path(good));
  }
  const std::array<std::string, 12> bad{"",
                                        "/a",
                                        "a/../b",
                                        "..",
                                        "a//b",
                                        "a/",
                                        "./a",
                                        "a/./b",
                                        "a\nb",
                                        "a\\b",
                                        std::string(256, 'x'),
                                        std::string("a\0b", 3)};
  for (const std::string& name : bad) {
    CAPTURE(name);
    CHECK_FALSE(check_path(name));
  }
  std::string deep = "a";
  while (deep.size() <= 4096) deep += "/a";
  CHECK_FALSE(check_path(deep));
}

TEST_CASE("archive: a link stays inside its first folder") {
  CHECK(check_link("m/snapshots/c/config.json", "../../blobs/d"));
  CHECK(check_link("m/snapshots/c/sub/x", "../../../blobs/d"));
  CHECK(check_link("m/a", "b"));
  for (const auto& [path, target] : std::array<std::pair<const char*, const char*>, 8>{{
           {"m/snapshots/c/x", "../../../other/blobs/d"},
           {"m/x", "../m/y"},
           {"x", "y"},
           {"m/x", "/etc/passwd"},
           {"m/x", ""},
           {"m/x", "a//b"},
           {"m/x", "./a"},
           {"m/a/b", "c/../../../d"},
       }}) {
    CAPTURE(target);
    CHECK_FALSE(check_link(path, target));
  }
}

TEST_CASE("archive: what is written is read, plain and zstd, and always the same bytes") {
  for (const char* const name : {"/a.tar", "/a.tar.zst"}) {
    CAPTURE(name);
    Tree tree;
    tree.file("/big", std::string(3'000'000, 'x'));
    std::string bytes;
    for (int round = 0; round < 2; ++round) {
      auto writer = Writer::create(tree.files(), name, compression_of(name));
      REQUIRE(writer);
      REQUIRE(writer->add_text("manifest.json", "{}"));
      REQUIRE(writer->add_file("m/blobs/big", "/big", {3'000'000}, no_tick));
      REQUIRE(writer->add_text("m/blobs/empty", ""));
      REQUIRE(writer->finish());
      if (round == 1) CHECK(tree.read(name) == bytes);
      bytes = tree.read(name);
    }
    CHECK(tree.files().list("/")->size() == 2);
    auto reader = Reader::open(tree.files(), name);
    REQUIRE(reader);
    CHECK((*reader->next())->path == "manifest.json");
    CHECK(*reader->text(1_KiB) == "{}");
    const auto big = *reader->next();
    CHECK(big->size.count == 3'000'000);
    CHECK_FALSE(reader->text(1_MiB));
    CHECK((*reader->next())->path == "m/blobs/empty");
    CHECK(reader->text(1_KiB)->empty());
    CHECK_FALSE(reader->next()->has_value());
  }
}

TEST_CASE("archive: an unfinished one leaves nothing, and names are checked when writing too") {
  Tree tree;
  tree.file("/x", "123");
  {
    auto writer = Writer::create(tree.files(), "/a.tar", Compression::plain);
    REQUIRE(writer);
    CHECK_FALSE(writer->add_text("../a", "x"));
    CHECK_FALSE(writer->add_file("a", "/x", {4}, no_tick));
    CHECK_FALSE(writer->add_file("a", "/none", {4}, no_tick));
  }
  CHECK(*tree.files().list("/") == std::vector<std::string>{"x"});
}

TEST_CASE("archive: every kind of bad entry ends the reading with its name") {
  struct Row {
    const char* what;
    std::string archive;
    const char* says;
  };
  const std::array rows{
      Row{"absolute", member("/etc/passwd", '0', "x") + end, "it is absolute"},
      Row{"dot dot", member("m/../../x", '0', "x") + end, "'.' or '..'"},
      Row{"control", member("m/a\x1b[2J", '0', "x") + end, "control character"},
      Row{"hard link", member("m/x", '1', "", "m/y") + end, "'m/x' is a hard link"},
      Row{"symbolic link out", member("m/x", '2', "", "../../etc") + end, "points out of its folder"},
      Row{"absolute link", member("m/x", '2', "", "/etc/shadow") + end, "absolute or empty"},
      Row{"character device", member("m/x", '3', "") + end, "neither a file"},
      Row{"block device", member("m/x", '4', "") + end, "neither a file"},
      Row{"fifo", member("m/x", '6', "") + end, "neither a file"},
      Row{"setuid", member("m/x", '0', "x", "", 04755) + end, "'m/x' is setuid"},
      Row{"cut in the content", member("m/x", '0', std::string(2000, 'x')).substr(0, 1000),
          "cannot read the archive"},
      Row{"cut in a header", member("m/x", '0', "x").substr(0, 300), "cannot read the archive"},
      Row{"a shell script", "#!/bin/sh\nexit 0\n", "cannot read the archive"},
      Row{"nothing", "", "cannot read the archive"},
      Row{"zip", std::string("PK\x03\x04", 4) + std::string(600, '\0'), "cannot read the archive"},
      Row{"bad checksum",
          [] {
            std::string block = member("m/x", '0', "x") + end;
            block[0] = 'n';
            return block;
          }(),
          "cannot read the archive"},
      Row{"larger than the limit", member("m/x", '0', "", "", 0644, 070000000000ULL) + end,
          "larger than the limit"},
  };
  Limits limits;
  limits.total = 1_GiB;
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const std::string said = read_all(row.archive, limits);
    CHECK(said.find(row.says) != std::string::npos);
    CHECK(said.rfind("cannot ", 0) == 0);
  }
  CHECK(read_all(member("m/", '5', "", "", 0755) + member("m/x", '0', "x") + end, limits).empty());
}

TEST_CASE("archive: entries, bytes and ratio have limits") {
  const std::string three = member("m/a", '0', "x") + member("m/b", '0', "x") + member("m/c", '0', "x") + end;
  Limits limits;
  limits.entries = 2;
  CHECK(read_all(three, limits).find("more than 2 entries") != std::string::npos);
  limits = {};
  limits.total = {2};
  CHECK(read_all(three, limits).find("more than 2 B") != std::string::npos);

  Tree tree;
  tree.sparse("/zeros", 80U << 20U);
  auto writer = Writer::create(tree.files(), "/a.tar", Compression::zstd);
  REQUIRE(writer);
  REQUIRE(writer->add_file("m/zeros", "/zeros", {80U << 20U}, no_tick));
  REQUIRE(writer->finish());
  CHECK(read_all(tree).find("more than 100 times as large as itself") != std::string::npos);
  limits = {};
  limits.ratio = 1'000'000;
  CHECK(read_all(tree, limits).empty());
}

TEST_CASE("archive: entries land in a closed directory that goes away") {
  Tree tree;
  tree.file("/a.tar", member("m/", '5', "", "", 0755) + member("m/blobs/b", '0', "content") +
                          member("m/snapshots/c/x", '2', "", "../../blobs/b") + end);
  tree.file("/hub/.fettle-unpack-tiny/left/over", "x").file("/hub/stays", "y");
  tree.link("/hub/.fettle-unpack-tiny/out", "../stays");
  {
    auto staging = Staging::make(tree.files(), "/hub", "tiny");
    REQUIRE(staging);
    CHECK(tree.files().look("/hub/.fettle-unpack-tiny")->mode == 0700);
    CHECK(tree.files().list("/hub/.fettle-unpack-tiny")->empty());
    auto reader = Reader::open(tree.files(), "/a.tar");
    REQUIRE(reader);
    std::vector<Entry> entries;
    while (true) {
      const auto entry = reader->next();
      REQUIRE(entry);
      if (!*entry) break;
      REQUIRE(staging->put(*reader, **entry, no_tick));
      entries.push_back(**entry);
    }
    REQUIRE(entries.size() == 3);
    CHECK(tree.read(staging->path_of(entries[1])) == "content");
    CHECK(tree.files().look(staging->path_of(entries[1]))->mode == 0644);
    CHECK(*tree.files().read_link(staging->path_of(entries[2])) == "../../blobs/b");
    REQUIRE(tree.files().rename(staging->path_of(entries[1]), "/hub/taken"));
  }
  CHECK(*tree.files().list("/hub") == std::vector<std::string>{"stays", "taken"});
}

TEST_CASE("archive: thousands of small files may reach the drive together") {
  Tree tree;
  auto writer = Writer::create(tree.files(), "/a.tar", Compression::plain);
  REQUIRE(writer);
  REQUIRE(writer->add_text("a/b", "1"));
  REQUIRE(writer->finish());
  auto reader = Reader::open(tree.files(), "/a.tar");
  tree.directory("/hub");
  auto staging = Staging::make(tree.files(), "/hub", "x", Durable::at_sync);
  REQUIRE(reader);
  REQUIRE(staging);
  const auto entry = reader->next();
  REQUIRE(entry);
  REQUIRE(staging->put(*reader, **entry, no_tick));
  CHECK(staging->sync());
  CHECK(tree.read(staging->path_of("a/b")) == "1");
  CHECK(tree.files().look(staging->path_of("a/b"))->mode == 0644);
}

TEST_CASE("archive: an entry is never written through a link, nor over another") {
  Tree tree;
  tree.directory("/hub/victim").file("/hub/victim/file", "precious");
  struct Row {
    const char* what;
    std::string archive;
  };
  const std::array rows{
      Row{"link then file below", member("m/d", '2', "", "e") + member("m/d/file", '0', "evil") + end},
      Row{"link then file over", member("m/f", '2', "", "g") + member("m/f", '0', "evil") + end},
      Row{"file twice", member("m/f", '0', "one") + member("m/f", '0', "two") + end},
      Row{"file then directory", member("m/f", '0', "one") + member("m/f/", '5', "") + end},
      Row{"file as a folder", member("m/f", '0', "one") + member("m/f/g", '0', "") + end},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    tree.file("/a.tar", row.archive);
    auto staging = Staging::make(tree.files(), "/hub", "x");
    REQUIRE(staging);
    auto reader = Reader::open(tree.files(), "/a.tar");
    REQUIRE(reader);
    const auto first = reader->next();
    REQUIRE(first);
    REQUIRE(staging->put(*reader, **first, no_tick));
    const auto second = reader->next();
    REQUIRE(second);
    CHECK_FALSE(staging->put(*reader, **second, no_tick));
  }
  CHECK(tree.read("/hub/victim/file") == "precious");
}
