#include "shelf/layout.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "shelf/jobs.h"
#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::FakeClock;
using fettle::test::Tree;

namespace {

const std::string commit(40, 'a');
const std::string big(64, 'b');
const std::string small(40, 'c');
const Layout layout{"/hf"};

Manifest manifest() {
  return {"o/n", commit, "main", {{"config.json", {3}, small}, {"sub/dir/w", {5}, big}, {"copy", {5}, big}}};
}

std::string blobs() {
  return layout.repository("o/n") + "/blobs/";
}

}  // namespace

TEST_CASE("layout: names and links are those of the client") {
  CHECK(Layout::folder("Qwen/Qwen3-0.6B") == "models--Qwen--Qwen3-0.6B");
  CHECK(layout.blob("o/n", small) == "/hf/hub/models--o--n/blobs/" + small);
  CHECK(link_target("a", "x") == "../../blobs/x");
  CHECK(link_target("a/b/c", "x") == "../../../../blobs/x");
}

TEST_CASE("layout: whole, half, absent and misfit blobs are told apart") {
  Tree tree;
  CHECK(survey(tree.files(), layout, manifest(), "tiny")->missing.size() == 2);  // no directory yet
  tree.file(blobs() + small, "abc").file(blobs() + big + ".0123abcd.incomplete", "ab");
  auto now = survey(tree.files(), layout, manifest(), "tiny");
  REQUIRE(now);
  CHECK(now->done.bytes.count == 5);
  CHECK(now->done.files == 1);
  REQUIRE(now->missing.size() == 1);
  CHECK(now->missing[0].blob == big);
  CHECK(now->misfits.empty());
  tree.file(blobs() + big, "too large");
  now = survey(tree.files(), layout, manifest(), "tiny");
  CHECK(now->misfits.size() == 1);
  tree.remove(blobs() + big).link(blobs() + big, "/etc/passwd");
  now = survey(tree.files(), layout, manifest(), "tiny");
  CHECK(now->missing.size() == 1);
  tree.remove(blobs() + big).file(blobs() + big, "12345");
  now = survey(tree.files(), layout, manifest(), "tiny");
  CHECK(now->missing.empty());
  CHECK(now->done.bytes.count == 8);
}

TEST_CASE("layout: orphans go, files of a client that still runs stay") {
  Tree tree;
  FakeClock clock;
  const std::string orphan = blobs() + small + ".incomplete";
  const std::string held = blobs() + big + ".0123abcd.incomplete";
  tree.file(orphan, "ab").file(held, "abc").file(blobs() + big + ".note").file(blobs() + "x.incomplete");
  tree.file(layout.lock("o/n", big)).file(layout.lock("o/n", small));
  const int lock = ::open((tree.root() + layout.lock("o/n", big)).c_str(), O_RDWR);
  REQUIRE(lock >= 0);
  REQUIRE(::flock(lock, LOCK_EX) == 0);
  CHECK(remove_orphans(tree.files(), clock, layout, "o/n")->count == 2);
  CHECK_FALSE(*tree.files().exists(orphan));
  CHECK(*tree.files().exists(held));
  CHECK(*tree.files().exists(blobs() + "x.incomplete"));
  ::close(lock);
  CHECK(remove_orphans(tree.files(), clock, layout, "o/n")->count == 3);
  CHECK(remove_orphans(tree.files(), clock, layout, "o/none")->count == 0);
}

TEST_CASE("layout: publishing makes links, modes and the ref, and changes nothing the second time") {
  Tree tree;
  tree.file(blobs() + small, "abc").file(blobs() + big, "12345").file(layout.tree(manifest()), "{}");
  REQUIRE(tree.files().set_mode(blobs() + big, 0600));
  REQUIRE(tree.files().set_mode(layout.tree(manifest()), 0600));
  REQUIRE(publish(tree.files(), layout, manifest(), 02775));
  const std::string snapshot = layout.snapshot(manifest());
  CHECK(tree.read(snapshot + "/sub/dir/w") == "12345");
  CHECK(*tree.files().read_link(snapshot + "/sub/dir/w") == "../../../../blobs/" + big);
  CHECK(tree.read(layout.ref(manifest())) == commit);
  CHECK(tree.files().look(blobs() + big)->mode == 0644);
  CHECK(tree.files().look(layout.tree(manifest()))->mode == 0644);
  for (const char* directory : {"", "/blobs", "/refs", "/snapshots", "/trees"}) {
    CHECK(tree.files().look(layout.repository("o/n") + directory)->mode == 02775);
  }
  const auto before = tree.files().look(layout.ref(manifest()));
  REQUIRE(publish(tree.files(), layout, manifest(), 02775));
  CHECK(tree.files().look(layout.ref(manifest()))->inode == before->inode);
  tree.remove(snapshot + "/copy").file(snapshot + "/copy", "mine");
  CHECK_FALSE(publish(tree.files(), layout, manifest(), 02775));
  CHECK(tree.read(snapshot + "/copy") == "mine");
}

TEST_CASE("layout: a damaged blob goes aside with every link to it") {
  Tree tree;
  tree.file(blobs() + small, "abc").file(blobs() + big, "12345");
  REQUIRE(publish(tree.files(), layout, manifest(), 0755));
  REQUIRE(put_aside(tree.files(), layout, manifest(), big));
  const std::string snapshot = layout.snapshot(manifest());
  CHECK_FALSE(*tree.files().exists(snapshot + "/copy"));
  CHECK_FALSE(*tree.files().exists(snapshot + "/sub/dir/w"));
  CHECK(*tree.files().exists(snapshot + "/config.json"));
  CHECK_FALSE(*tree.files().exists(blobs() + big));
  CHECK(tree.read(layout.aside(big)) == "12345");
}

TEST_CASE("jobs: what was resolved and verified is there after a restart") {
  Tree tree;
  FakeClock clock;
  tree.file("/blob", "abc");
  const auto info = tree.files().look("/blob");
  {
    const auto opened = Jobs::open(tree.files(), clock);
    REQUIRE(opened);
    const Jobs& jobs = opened->jobs;
    CHECK_FALSE(jobs.state("tiny")->has_value());
    REQUIRE(jobs.set_state("tiny", State::wanted, ""));
    REQUIRE(jobs.set_manifest("tiny", "want", manifest()));
    REQUIRE(jobs.set_state("tiny", State::fetching, ""));
    REQUIRE(jobs.remember_verified(*info, small));
    CHECK(*jobs.count_damage("o/n", big) == 1);
  }
  const auto opened = Jobs::open(tree.files(), clock);
  REQUIRE(opened);
  CHECK(opened->findings.empty());
  const Jobs& jobs = opened->jobs;
  CHECK(**jobs.state("tiny") == State::fetching);
  const auto known = jobs.manifest("tiny", "want");
  REQUIRE(known);
  REQUIRE(known->has_value());
  CHECK((*known)->files.size() == 3);
  CHECK((*known)->revision == commit);
  CHECK_FALSE(jobs.manifest("tiny", "other")->has_value());
  CHECK(*jobs.was_verified(*info, small));
  CHECK_FALSE(*jobs.was_verified(*info, big));
  CHECK(*jobs.count_damage("o/n", big) == 2);
  REQUIRE(jobs.forget_damage("o/n"));
  CHECK(*jobs.count_damage("o/n", big) == 1);
  REQUIRE(jobs.keep_only("tiny", {"other"}));
  CHECK(jobs.manifests("tiny")->empty());
}

TEST_CASE("jobs: a verified file that changed is not verified any more") {
  Tree tree;
  FakeClock clock;
  tree.file("/blob", "abc");
  const auto opened = Jobs::open(tree.files(), clock);
  REQUIRE(opened);
  REQUIRE(opened->jobs.remember_verified(*tree.files().look("/blob"), small));
  tree.file("/blob", "abd");
  CHECK_FALSE(*opened->jobs.was_verified(*tree.files().look("/blob"), small));
}

TEST_CASE("jobs: another revision or pattern is another want") {
  profile::Repository one;
  one.id = "o/n";
  one.revision = "main";
  profile::Repository two = one;
  two.include = {"*.json"};
  profile::Repository three = one;
  three.exclude = {"*.json"};
  CHECK(want_of(one) != want_of(two));
  CHECK(want_of(two) != want_of(three));
}
