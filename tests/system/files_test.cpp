#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/tree.h"

using namespace fettle;
using namespace fettle::system;
using fettle::test::Tree;

TEST_CASE("files: an absolute link stays inside the root") {
  Tree tree;
  tree.file("/etc/hostname", "node\n").link("/name", "/etc/hostname").link("/out", "/../../../../etc/shadow");
  CHECK(*tree.files().read("/name") == "node\n");
  CHECK(tree.files().read("/out").error().why == Why::missing);
  CHECK(*tree.files().read_link("/name") == "/etc/hostname");
  CHECK_FALSE(tree.files().read_link("/etc/hostname"));
}

TEST_CASE("files: too large, not a file and missing are errors that name the path") {
  Tree tree;
  tree.file("/big", std::string(5000, 'x')).directory("/dir");
  CHECK(tree.files().read("/big", 5_KiB)->size() == 5000);
  CHECK(tree.files().read("/big", 4_KiB).error().said == "cannot read '/big': it is larger than 4.0 KiB");
  CHECK_FALSE(tree.files().read("/dir"));
  REQUIRE(::mkfifo((tree.root() + "/fifo").c_str(), 0600) == 0);
  CHECK(tree.files().read("/fifo").error().said == "cannot read '/fifo': it is not a regular file");
  CHECK(tree.files().read("/none").error().said == "cannot read '/none': No such file or directory");
  CHECK_FALSE(*tree.files().exists("/none/below"));
  CHECK(*tree.files().exists("/big"));
}

TEST_CASE("files: the same content is not written twice") {
  Tree tree;
  CHECK(*tree.files().write("/run/a/file", "one", 0640) == Outcome::changed);
  const auto first = tree.files().look("/run/a/file");
  CHECK(*tree.files().write("/run/a/file", "one", 0640) == Outcome::already_so);
  CHECK(tree.files().look("/run/a/file")->inode == first->inode);
  CHECK(*tree.files().write("/run/a/file", "one", 0600) == Outcome::changed);
  CHECK(*tree.files().write("/run/a/file", "two", 0600) == Outcome::changed);
  CHECK(tree.read("/run/a/file") == "two");
  CHECK(tree.files().list("/run/a")->size() == 1);
  CHECK(tree.files().look("/run/a/file")->mode == 0600);
}

TEST_CASE("files: directories keep what is in them, and nothing else is taken for one") {
  Tree tree;
  CHECK(*tree.files().make_directory("/srv/cache/hf", 02775) == Outcome::changed);
  CHECK(tree.files().look("/srv/cache/hf")->mode == 02775);
  CHECK(*tree.files().make_directory("/srv/cache/hf", 02775) == Outcome::already_so);
  CHECK(*tree.files().make_directory("/srv/cache/hf", 0750) == Outcome::changed);
  tree.link("/srv/link", "/srv/cache").file("/srv/file");
  CHECK_FALSE(tree.files().make_directory("/srv/link", 0755));
  CHECK_FALSE(tree.files().make_directory("/srv/file", 0755));
}

TEST_CASE("files: a link is replaced, a file in its place is not") {
  Tree tree;
  CHECK(*tree.files().set_link("/run/cache", "/dev/md127") == Outcome::changed);
  CHECK(*tree.files().set_link("/run/cache", "/dev/md127") == Outcome::already_so);
  CHECK(*tree.files().set_link("/run/cache", "/dev/md126") == Outcome::changed);
  CHECK(*tree.files().read_link("/run/cache") == "/dev/md126");
  tree.file("/run/file", "precious");
  CHECK_FALSE(tree.files().set_link("/run/file", "/dev/md126"));
  CHECK(tree.read("/run/file") == "precious");
  CHECK(*tree.files().remove("/run/cache") == Outcome::changed);
  CHECK(*tree.files().remove("/run/cache") == Outcome::already_so);
  CHECK_FALSE(tree.files().remove("/.."));
}

TEST_CASE("files: without links, none is followed on the way, and one at the end can still be looked at") {
  Tree tree;
  tree.file("/etc/secret", "precious").link("/home/way", "/etc").link("/home/end", "/etc/secret");
  const auto strict = tree.files().without_links();
  REQUIRE(strict);
  CHECK_FALSE(strict->read("/home/way/secret"));
  CHECK_FALSE(strict->write("/home/way/new", "x"));
  CHECK_FALSE(strict->make_directory("/home/way/new", 0755));
  CHECK_FALSE(strict->remove("/home/way/secret"));
  CHECK_FALSE(strict->set_link("/home/way/new", "/etc/secret"));
  CHECK_FALSE(strict->read("/home/end"));
  CHECK(*strict->read("/etc/secret") == "precious");
  CHECK(*strict->read_link("/home/end") == "/etc/secret");
  CHECK(*tree.files().read("/home/way/secret") == "precious");
}

TEST_CASE("files: a file gets another name, and one in its place is replaced") {
  Tree tree;
  tree.file("/a/one", "one").file("/b/two", "two");
  REQUIRE(tree.files().rename("/a/one", "/b/two"));
  CHECK(tree.read("/b/two") == "one");
  CHECK_FALSE(*tree.files().exists("/a/one"));
  CHECK(tree.files().rename("/a/none", "/b/x").error().why == Why::missing);
  CHECK(tree.files().rename("/b/two", "/none/x").error().why == Why::missing);
}

TEST_CASE("files: the mode of a file or directory is set, never through a link") {
  Tree tree;
  tree.file("/a/file", "x").link("/a/link", "file");
  CHECK(*tree.files().set_mode("/a/file", 0640) == Outcome::changed);
  CHECK(*tree.files().set_mode("/a/file", 0640) == Outcome::already_so);
  CHECK(tree.files().look("/a/file")->mode == 0640);
  CHECK(*tree.files().set_mode("/a", 02775) == Outcome::changed);
  CHECK_FALSE(tree.files().set_mode("/a/link", 0600));
  CHECK(tree.files().set_mode("/none", 0600).error().why == Why::missing);
}
