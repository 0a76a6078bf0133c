#include "system/stream_reader.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "support/tree.h"

using namespace fettle;
using namespace fettle::system;
using fettle::test::Tree;

namespace {

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24U);
  }
  return text;
}

std::string whole(StreamReader& reader, const Tree& tree, std::string_view path) {
  const auto info = reader.open(tree.files(), path);
  REQUIRE(info);
  std::string text;
  while (true) {
    const auto piece = reader.next();
    REQUIRE(piece);
    if (piece->empty()) break;
    CHECK(piece->size() <= 2U << 20U);
    text += *piece;
  }
  CHECK(reader.check_unchanged());
  CHECK(reader.next()->empty());
  return text;
}

// Writes the file to the drive and gives its pages back, where the file system lets us.
void make_cold(const Tree& tree, std::string_view path) {
  const auto fd = tree.files().open_at(path, O_RDONLY);
  REQUIRE(fd);
  REQUIRE(::fsync(fd->get()) == 0);
  REQUIRE(::posix_fadvise(fd->get(), 0, 0, POSIX_FADV_DONTNEED) == 0);
}

}  // namespace

TEST_CASE("stream reader: every size comes whole, from the page cache and from the drive") {
  Tree tree;
  StreamReader reader;
  for (const std::size_t size : {0U, 1U, 511U, 4096U, 4097U, (2U << 20U) - 1, 2U << 20U, (2U << 20U) + 1,
                                 9U << 20U, (11U << 20U) + 12345}) {
    CAPTURE(size);
    const std::string content = pattern(size);
    tree.file("/x", content);
    CHECK(whole(reader, tree, "/x") == content);
    make_cold(tree, "/x");
    CHECK(whole(reader, tree, "/x") == content);
  }
}

TEST_CASE("stream reader: a file of which the cache has a part only") {
  Tree tree;
  const std::string content = pattern(7U << 20U);
  tree.file("/x", content);
  make_cold(tree, "/x");
  {
    std::ifstream in(tree.root() + "/x", std::ios::binary);
    in.seekg(3U << 20U);
    std::string some(4096, '\0');
    in.read(some.data(), 4096);
  }
  StreamReader reader;
  CHECK(whole(reader, tree, "/x") == content);
}

TEST_CASE("stream reader: a half read file can be left for the next one") {
  Tree tree;
  const std::string content = pattern(9U << 20U);
  tree.file("/a", content).file("/b", "b");
  StreamReader reader;
  for (int i = 0; i < 3; ++i) {
    make_cold(tree, "/a");
    REQUIRE(reader.open(tree.files(), "/a"));
    REQUIRE(reader.next());
    CHECK(whole(reader, tree, "/b") == "b");
  }
}

TEST_CASE("stream reader: what is no regular file, or changes, is an error") {
  Tree tree;
  tree.file("/x", pattern(5U << 20U)).link("/link", "x").directory("/dir");
  REQUIRE(::mkfifo((tree.root() + "/fifo").c_str(), 0600) == 0);
  StreamReader reader;
  CHECK(reader.open(tree.files(), "/none").error().why == Why::missing);
  CHECK_FALSE(reader.open(tree.files(), "/link"));
  CHECK(reader.open(tree.files(), "/dir").error().said == "cannot read '/dir': it is not a regular file");
  CHECK(reader.open(tree.files(), "/fifo").error().said == "cannot read '/fifo': it is not a regular file");

  REQUIRE(reader.open(tree.files(), "/x"));
  REQUIRE(reader.next());
  std::ofstream(tree.root() + "/x", std::ios::app) << "more";
  CHECK(reader.check_unchanged().error().said == "cannot read '/x': it changed while it was read");

  // One that shrinks ends early instead of giving zeros or an endless loop.
  REQUIRE(reader.open(tree.files(), "/x"));
  REQUIRE(::truncate((tree.root() + "/x").c_str(), 1000) == 0);
  std::size_t got = 0;
  for (auto piece = reader.next(); piece && !piece->empty(); piece = reader.next()) got += piece->size();
  CHECK(got <= 5U << 20U);
  CHECK_FALSE(reader.check_unchanged());
}
