#include "system/copy.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <string>

#include "support/tree.h"

using namespace fettle;
using fettle::test::Tree;

TEST_CASE("copy: the copy has the content and the size of the file, whatever its size") {
  for (const std::size_t size : {0U, 1U, 4096U, 20U << 20U}) {
    CAPTURE(size);
    Tree tree;
    std::string content(size, 'x');
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 + i / 4096);
    tree.file("/from", content);
    const auto from = tree.files().open_at("/from", O_RDONLY);
    const auto to = tree.files().open_at("/to", O_WRONLY | O_CREAT | O_EXCL, 0600);
    REQUIRE(from);
    REQUIRE(to);
    const auto copied = system::copy_content(*from, *to, "/from", []() -> Result<void> { return {}; });
    REQUIRE(copied);
    CHECK(copied->count == size);
    CHECK((tree.read("/to") == content));
  }
}

TEST_CASE("copy: what the kernel cannot copy by itself is read and written") {
  Tree tree;
  // A file of procfs has no size and lies on another file system.
  const auto from = system::Files::open("/")->open_at("/proc/version", O_RDONLY);
  const auto to = tree.files().open_at("/to", O_WRONLY | O_CREAT | O_EXCL, 0600);
  REQUIRE(from);
  REQUIRE(to);
  const auto copied = system::copy_content(*from, *to, "/proc/version", []() -> Result<void> { return {}; });
  REQUIRE(copied);
  CHECK(copied->count > 0);
  CHECK(tree.read("/to").find("Linux version") == 0);
}

TEST_CASE("copy: it ends when it is told to, and names the file when it cannot") {
  Tree tree;
  tree.file("/from", "content");
  const auto from = tree.files().open_at("/from", O_RDONLY);
  const auto to = tree.files().open_at("/to", O_WRONLY | O_CREAT, 0600);
  const auto told = [] { return Result<void>(fail(Why::refused, "cannot go on: stopped")); };
  const auto stopped = system::copy_content(*from, *to, "/from", told);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().said == "cannot go on: stopped");
  const auto directory = tree.files().open_at("/", O_RDONLY);
  const auto failed = system::copy_content(*directory, *to, "/", []() -> Result<void> { return {}; });
  REQUIRE_FALSE(failed);
  CHECK(failed.error().said.find("cannot copy '/': ") == 0);
}
