#include "system/erase.h"

#include <doctest/doctest.h>

#include "support/storage_machine.h"
#include "system/block.h"

using namespace fettle;
using namespace fettle::system;

namespace {

constexpr std::uint64_t size = 1ULL << 30U;

}  // namespace

TEST_CASE("erase: a drive is known by its mark until the last write, then it is blank") {
  for (const Mark mark : {Mark::filesystem, Mark::array_member}) {
    CAPTURE(static_cast<std::uint64_t>(mark));
    test::Tree tree;
    tree.sparse("/dev/it", size);
    const std::string type = mark == Mark::filesystem ? "xfs" : "linux_raid_member";
    if (mark == Mark::filesystem) {
      tree.patch("/dev/it", 0, test::xfs_superblock(test::other_uuid, "fettle"));
    } else {
      tree.patch("/dev/it", 4096, test::md_superblock(test::other_uuid, "any:fettle", 8, 0, size));
    }
    for (const auto& [from, to] : looked_at_places(size)) tree.patch("/dev/it", to - 1, "x");
    const auto eraser = Eraser::open(tree.files(), "/dev/it", Bytes{size}, 0);
    REQUIRE(eraser);
    CHECK_FALSE(*is_blank(tree.files(), "/dev/it", Bytes{size}));
    REQUIRE(eraser->erase_all_but(mark));
    CHECK(probe(tree.files(), "/dev/it")->type == type);
    REQUIRE(eraser->erase(mark));
    CHECK(probe(tree.files(), "/dev/it")->type.empty());
    CHECK(*is_blank(tree.files(), "/dev/it", Bytes{size}));
  }
}

TEST_CASE("erase: the filesystem at the beginning of a member's data goes too, wherever md put it") {
  test::Tree tree;
  const std::uint64_t data = 200ULL << 20U;  // between the places that are looked at
  std::string superblock = test::md_superblock(test::other_uuid, "any:fettle", 8, 0, size);
  test::put(superblock, 128, data / 512, 8);
  tree.sparse("/dev/it", size)
      .patch("/dev/it", 4096, superblock)
      .patch("/dev/it", data, test::xfs_superblock(test::other_uuid, "fettle"));
  const auto eraser = Eraser::open(tree.files(), "/dev/it", Bytes{size}, 0);
  REQUIRE(eraser);
  REQUIRE(eraser->erase_all_but(Mark::array_member));
  const auto fd = tree.files().open_at("/dev/it", O_RDONLY);
  std::string begin(4, 'x');
  REQUIRE(::pread(fd->get(), begin.data(), begin.size(), static_cast<off_t>(data)) == 4);
  CHECK(begin == std::string(4, '\0'));
}

TEST_CASE("erase: what is not of the size that was meant, or not there, is not opened") {
  test::Tree tree;
  tree.sparse("/dev/it", size).directory("/dev/folder");
  CHECK_FALSE(Eraser::open(tree.files(), "/dev/it", Bytes{size - 4096}, 0));
  CHECK_FALSE(Eraser::open(tree.files(), "/dev/none", Bytes{size}, 0));
  CHECK_FALSE(Eraser::open(tree.files(), "/dev/folder", Bytes{size}, 0));
}
