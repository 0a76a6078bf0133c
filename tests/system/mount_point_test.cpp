#include "system/mount_point.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/tree.h"

using namespace fettle;
using fettle::test::Tree;

namespace {

// Not root, or a filesystem without flags: then only the error can be looked at.
bool can_close_here() {
  Tree tree;
  const auto closed = system::close_mount_point(tree.files(), "/try");
  if (closed) system::open_mount_point(tree.files(), "/try");
  if (!closed) MESSAGE("skipped: ", closed.error().said);
  return closed.has_value();
}

}  // namespace

TEST_CASE("mount point: nobody writes on it while it is closed, root neither") {
  if (!can_close_here()) return;
  Tree tree;
  CHECK(*system::close_mount_point(tree.files(), "/srv/fettle") == Outcome::changed);
  CHECK(*system::close_mount_point(tree.files(), "/srv/fettle") == Outcome::already_so);
  CHECK(tree.files().look("/srv/fettle")->mode == 0);
  const auto written = tree.files().write("/srv/fettle/model", "bytes");
  CHECK_FALSE(written);
  CHECK_FALSE(tree.files().make_directory("/srv/fettle/hf", 0755));
  CHECK(tree.files().list("/srv/fettle")->empty());

  CHECK(*system::open_mount_point(tree.files(), "/srv/fettle") == Outcome::changed);
  CHECK(*system::open_mount_point(tree.files(), "/srv/fettle") == Outcome::already_so);
  CHECK(tree.files().look("/srv/fettle")->mode == 0755);
  CHECK(tree.files().write("/srv/fettle/model", "bytes"));
}

TEST_CASE("mount point: what holds something, is no directory, or is mounted, stays as it is") {
  if (!can_close_here()) return;
  Tree tree;
  tree.file("/srv/fettle/model", "precious").file("/file", "precious").link("/link", "/srv");
  const auto full = system::close_mount_point(tree.files(), "/srv/fettle");
  REQUIRE_FALSE(full);
  CHECK(full.error().why == Why::refused);
  CHECK(full.error().said == "cannot close the mount point '/srv/fettle': it holds 'model'");
  CHECK(tree.files().look("/srv/fettle")->mode == 0755);
  CHECK_FALSE(system::close_mount_point(tree.files(), "/file"));
  CHECK_FALSE(system::close_mount_point(tree.files(), "/link"));
  CHECK(tree.files().look("/srv")->mode == 0755);

  const auto machine = system::Files::open("/");
  REQUIRE(machine);
  const auto before = machine->look("/proc")->mode;
  CHECK(*system::close_mount_point(*machine, "/proc") == Outcome::already_so);
  CHECK(machine->look("/proc")->mode == before);
}

TEST_CASE("mount point: a missing one cannot be opened") {
  Tree tree;
  const auto opened = system::open_mount_point(tree.files(), "/none");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().why == Why::missing);
}
