#include "profile/images.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "profile/load.h"
#include "support/source.h"
#include "support/tables.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::profile;
using fettle::test::Tree;

namespace {

const std::string head = "schema: 1\nkind: images\n";
const std::string digest = "sha256:" + std::string(64, 'a');

std::string said(const Complaints& complaints) {
  std::string all;
  for (const Complaint& each : complaints) all += (all.empty() ? "" : "\n") + to_text(each);
  return all;
}

std::string mistake_in(const std::string& image) {
  return said(check_text(head + "images: [{" + image + ", tag: v1, digest: \"" + digest + "\", why: a}]\n",
                         "e.yaml"));
}

}  // namespace

TEST_CASE("profile images: a list is loaded with the configuration that names it") {
  Tree tree;
  test::install_tables(tree);
  tree.file("/usr/share/fettle/profiles/node.yaml", "schema: 1\nkind: profile\n")
      .file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: node\nimages: [engines]\n")
      .file("/etc/fettle/profiles/images/engines.yaml",
            head + "why: to serve\nimages:\n- {image: docker.io/rocm/vllm, tag: v1, digest: \"" + digest +
                "\", size: 20 GB, why: serves}\n- {image: \"localhost:5000/a/b\", tag: main, unpinned: true, "
                "why: b}\n");
  const LoadedImages loaded = load_images(tree.files());
  REQUIRE_MESSAGE(loaded.complaints.empty(), said(loaded.complaints));
  REQUIRE(loaded.lists.size() == 1);
  CHECK(loaded.lists[0].name == "engines");
  REQUIRE(loaded.lists[0].images.size() == 2);
  CHECK(pinned_name(loaded.lists[0].images[0]) == "docker.io/rocm/vllm@" + digest);
  CHECK(tagged_name(loaded.lists[0].images[0]) == "docker.io/rocm/vllm:v1");
  CHECK(loaded.lists[0].images[0].size.count == 20'000'000'000);
  CHECK(pinned_name(loaded.lists[0].images[1]) == "localhost:5000/a/b:main");
  CHECK(load(tree.files()).profile);
}

TEST_CASE("profile images: an image has its registry, its tag, and a digest or the word that it has none") {
  CHECK(mistake_in("image: docker.io/rocm/vllm").empty());
  CHECK(mistake_in("image: \"registry.example:5000/a\"").empty());
  for (const char* const wrong :
       {"rocm/vllm", "vllm", "docker.io", "docker.io/", "docker.io//a", "docker.io/A", "docker.io/a/../b",
        "-docker.io/a", "docker.io/-a", "docker.io/a@b"}) {
    CAPTURE(wrong);
    CHECK(mistake_in("image: \"" + std::string(wrong) + "\"").find("an image with its registry") !=
          std::string::npos);
  }
  CHECK(mistake_in("image: \"docker.io:x/a\"").find("an image with its registry") != std::string::npos);
  CHECK(said(check_text(head + "images: [{image: docker.io/a, tag: v1, why: a}]\n", "e.yaml"))
            .find("the key 'digest' is missing here  sha256: and 64 hex digits") != std::string::npos);
  CHECK(mistake_in("image: docker.io/a, unpinned: true").find("'unpinned' contradicts the 'digest'") !=
        std::string::npos);
  CHECK(said(check_text(head + "images: [{image: docker.io/a, tag: \"-v\", digest: \"sha256:1\", why: a}]\n",
                        "e.yaml")) ==
        "e.yaml:3:36  'tag' cannot be '-v'  a tag of letters, digits, '.', '_' and '-', at most 128\n"
        "e.yaml:3:50  'digest' cannot be 'sha256:1'  sha256: and 64 hex digits");
  CHECK(said(check_text(head + "images: []\n", "e.yaml")).find("is empty") != std::string::npos);
}

TEST_CASE("profile images: a list that is not there, or called as a shelf is, is a mistake") {
  Tree tree;
  test::install_tables(tree);
  tree.file("/usr/share/fettle/profiles/node.yaml", "schema: 1\nkind: profile\n")
      .file("/usr/share/fettle/profiles/shelves/tiny.yaml",
            "schema: 1\nkind: shelf\nrepositories: [{id: a/b, revision: main, unpinned: true}]\n")
      .file("/etc/fettle/fettle.yaml",
            "schema: 1\nkind: configuration\nprofile: node\nshelves: [tiny]\nimages: [tiny, absent]\n");
  const std::string all = said(load_images(tree.files()).complaints);
  CHECK(all.find("fettle.yaml:5:10  the shelf 'tiny' stands here a second time") != std::string::npos);
  CHECK(all.find("fettle.yaml:5:16  there is no list of images 'absent'") != std::string::npos);
  CHECK_FALSE(load(tree.files()).profile);
}

TEST_CASE("profile images: the package's example names five images, and nothing of the package wants it") {
  std::size_t lists = 0;
  Tree tree;
  std::filesystem::create_directories(tree.root() + "/usr/share/fettle");
  std::filesystem::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                        std::filesystem::copy_options::recursive);
  for (const Found& found : list(tree.files())) {
    if (found.kind != "images") continue;
    ++lists;
    CHECK_MESSAGE(found.complaints.empty(), said(found.complaints));
  }
  CHECK(lists == 1);
  tree.file("/etc/fettle/fettle.yaml",
            "schema: 1\nkind: configuration\nprofile: mi300x\nimages: [engines]\n");
  const LoadedImages loaded = load_images(tree.files());
  REQUIRE_MESSAGE(loaded.complaints.empty(), said(loaded.complaints));
  CHECK(loaded.lists[0].images.size() == 5);
}
