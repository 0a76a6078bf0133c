#include "profile/bundle.h"

#include <doctest/doctest.h>

#include "archive/writer.h"
#include "profile/bundle_proof.h"
#include "profile/load.h"
#include "support/tables.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::profile;
using fettle::test::Tree;

namespace {

const std::string node = "schema: 1\nkind: profile\nwhy: of the bundle\n";
const std::string shelf =
    "schema: 1\nkind: shelf\nrepositories: [{id: a/b, revision: main, unpinned: true}]\n";

struct Member {
  std::string name;
  std::string text;
};

// An archive as somebody else may have made it.
void pack(const Tree& tree, const std::vector<Member>& members) {
  auto writer = archive::Writer::create(tree.files(), "/b.tar.zst", archive::Compression::zstd);
  REQUIRE(writer);
  for (const Member& member : members) REQUIRE(writer->add_text(member.name, member.text));
  REQUIRE(writer->finish());
}

std::string head(const std::string& files) {
  return R"({"format": 1, "name": "site", "version": "1", "files": [)" + files + "]}";
}

std::string row(const std::string& path, const std::string& text) {
  return R"({"path": ")" + path + R"(", "sha256": ")" + sha256_of(text) + "\"}";
}

std::string said_of(const Tree& tree) {
  const auto bundle = read_bundle(tree.files(), "/b.tar.zst");
  return bundle ? "no error" : bundle.error().said;
}

// The public half and a signature that `openssl` made of "fettle\n".
const std::string key =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAKVNMshrjNWBue9P2y7LVEp9v2D5GLC1tyt04haILxew=\n"
    "-----END PUBLIC KEY-----\n";
const std::string other_key =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA5MxpujRPbD8y4qQ3XnMUiJTUEeyA3f46VD70DzVmjC0=\n"
    "-----END PUBLIC KEY-----\n";
const std::string curve_key =
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJpsaG/kclHOG0yXUXFEZcwPYKiz1\n"
    "e1u9J3VUht+JpD6+zEAVjGkuzNb6/uxknspZOER503vEQDpgusVHiwTaJg==\n-----END PUBLIC KEY-----\n";
const std::string signature_digits =
    "9dbec7fe2c3dcccc9261dca425b311ed9f3cd0a19bbe6438705da36bffd87aaa"
    "033bdf9037bbc461edd40b606a062463d636af0478db1421b8dfea4ca3f49205";

std::string signature() {
  std::string bytes;
  for (std::size_t at = 0; at < signature_digits.size(); at += 2)
    bytes += static_cast<char>(std::stoi(signature_digits.substr(at, 2), nullptr, 16));
  return bytes;
}

}  // namespace

TEST_CASE("bundle: what is collected, written and read is the same, and the same bytes each time") {
  Tree tree;
  tree.file("/site/node.yaml", node)
      .file("/site/shelves/tiny.yaml", shelf)
      .file("/site/shelves/tiny.lock", "{}");
  tree.file("/site/README.md", "text").file("/site/shelves/notes", "text").directory("/site/old");
  const auto collected = collect_bundle(tree.files(), "/site", "site", "2026.11.1");
  REQUIRE(collected);
  CHECK(collected->left_out == std::vector<std::string>{"README.md", "old", "shelves/notes"});
  CHECK(collected->bundle.files.size() == 3);
  REQUIRE(write_bundle(tree.files(), collected->bundle, "/b.tar.zst"));
  const auto read = read_bundle(tree.files(), "/b.tar.zst");
  REQUIRE(read);
  CHECK(read->name == "site");
  CHECK(read->version == "2026.11.1");
  CHECK(read->files == collected->bundle.files);
  CHECK(check(*read).empty());
  const std::string first = tree.read("/b.tar.zst");
  REQUIRE(write_bundle(tree.files(), *read, "/b.tar.zst"));
  CHECK(tree.read("/b.tar.zst") == first);
}

TEST_CASE("bundle: a name, a version or a directory that cannot be one is refused") {
  Tree tree;
  tree.file("/site/node.yaml", node).directory("/empty");
  CHECK_FALSE(collect_bundle(tree.files(), "/site", "../site", "1"));
  CHECK_FALSE(collect_bundle(tree.files(), "/site", ".site", "1"));
  CHECK_FALSE(collect_bundle(tree.files(), "/site", "site", "1 beta"));
  CHECK_FALSE(collect_bundle(tree.files(), "/site", "site", ""));
  CHECK_FALSE(collect_bundle(tree.files(), "/empty", "site", "1"));
  CHECK_FALSE(collect_bundle(tree.files(), "/none", "site", "1"));
}

TEST_CASE("bundle: an archive that is not exactly what its first page says is refused (F58)") {
  Tree tree;
  pack(tree, {{"bundle.json", head(row("node.yaml", node))}, {"node.yaml", node}});
  CHECK(said_of(tree) == "no error");
  pack(tree, {{"bundle.json", head(row("node.yaml", node))}, {"node.yaml", node + "why: other\n"}});
  CHECK(said_of(tree).find("'node.yaml' has another SHA-256") != std::string::npos);
  pack(tree, {{"bundle.json", head(row("node.yaml", node))}});
  CHECK(said_of(tree).find("'node.yaml' is missing") != std::string::npos);
  pack(tree, {{"bundle.json", head(row("node.yaml", node))}, {"node.yaml", node}, {"more.yaml", node}});
  CHECK(said_of(tree).find("bundle.json does not name 'more.yaml'") != std::string::npos);
  pack(tree, {{"bundle.json", head(row("node.yaml", node))}, {"node.yaml", node}, {"node.yaml", node}});
  CHECK(said_of(tree).find("'node.yaml' is there twice") != std::string::npos);
  pack(tree,
       {{"bundle.json", head(row("node.yaml", node) + "," + row("node.yaml", node))}, {"node.yaml", node}});
  CHECK(said_of(tree).find("'node.yaml' is named twice") != std::string::npos);
  pack(tree, {{"node.yaml", node}, {"bundle.json", head(row("node.yaml", node))}});
  CHECK(said_of(tree).find("does not begin with bundle.json") != std::string::npos);
  pack(tree, {{"bundle.json", head("")}});
  CHECK(said_of(tree).find("it holds nothing") != std::string::npos);
  pack(tree, {});
  CHECK(said_of(tree).find("it is empty") != std::string::npos);
  pack(tree, {{"bundle.json", R"({"format": 2, "name": "site", "version": "1", "files": []})"}});
  CHECK(said_of(tree).find("not of format 1") != std::string::npos);
  pack(tree, {{"bundle.json", "{"}});
  CHECK(said_of(tree).find("cannot") == 0);
  tree.file("/b.tar.zst", "no archive");
  CHECK(said_of(tree).find("cannot") == 0);
}

TEST_CASE("bundle: only files that have a place in a configuration can be in it (F54)") {
  Tree tree;
  for (const char* const path : {"../fettle.yaml", "fettle.service", "shelves/deep/a.yaml", ".hidden.yaml",
                                 "credentials/hf-token", "bundles/other/a.yaml", "shelves/.yaml", "a.lock"}) {
    CAPTURE(path);
    pack(tree, {{"bundle.json", head(row(path, node))}});
    CHECK(said_of(tree).find("has no place in a bundle") != std::string::npos);
  }
  auto writer = archive::Writer::create(tree.files(), "/b.tar.zst", archive::Compression::zstd);
  REQUIRE(writer);
  REQUIRE(writer->add_text("bundle.json", head(row("shelves/a.yaml", node))));
  REQUIRE(writer->add_link("shelves/a.yaml", "b.yaml"));
  REQUIRE(writer->finish());
  CHECK(said_of(tree).find("'shelves/a.yaml' is a link") != std::string::npos);
}

TEST_CASE("bundle: a signature holds for one text and one key") {
  CHECK(check_signature("fettle\n", signature(), key));
  const auto said = [](std::string_view text, std::string_view by, std::string_view pem) {
    const auto checked = check_signature(text, by, pem);
    return checked ? std::string("no error") : checked.error().said;
  };
  CHECK(said("fettle", signature(), key).find("the signature is not of this file") != std::string::npos);
  CHECK(said("fettle\n", signature(), other_key).find("the signature is not of this file") !=
        std::string::npos);
  std::string changed = signature();
  changed[5] = static_cast<char>(changed[5] ^ 1);
  CHECK(said("fettle\n", changed, key).find("the signature is not of this file") != std::string::npos);
  CHECK(said("fettle\n", signature() + "x", key).find("it has 65 bytes and not 64") != std::string::npos);
  CHECK(said("fettle\n", "", key).find("it has 0 bytes") != std::string::npos);
  CHECK(said("fettle\n", signature(), curve_key).find("no public Ed25519 key") != std::string::npos);
  CHECK(said("fettle\n", signature(), "").find("no public Ed25519 key") != std::string::npos);
  CHECK(sha256_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("bundle: one whose link leads nowhere, or a stray file, is a mistake and never passed over (F54)") {
  Tree tree;
  test::install_tables(tree);
  tree.file("/usr/share/fettle/profiles/node.yaml", node);
  tree.file("/etc/fettle/fettle.yaml", "schema: 1\nkind: configuration\nprofile: node\n");
  const std::string bundles = "/etc/fettle/profiles/bundles";
  tree.file(bundles + "/.store/site-1/node.yaml", "schema: 1\nkind: profile\nwhy: other\n");
  tree.link(bundles + "/site", ".store/site-1");
  REQUIRE(load(tree.files()).profile);
  CHECK(load(tree.files()).profile->why == "other");
  tree.remove(bundles + "/.store/site-1");
  const Loaded gone = load(tree.files());
  REQUIRE(gone.complaints.size() == 1);
  CHECK(gone.complaints.front().what.find("No such file or directory") != std::string::npos);
  tree.remove(bundles + "/site").file(bundles + "/README", "text");
  const Loaded stray = load(tree.files());
  REQUIRE(stray.complaints.size() == 1);
  CHECK(stray.complaints.front().what.find("it is no directory") != std::string::npos);
  REQUIRE(list(tree.files()).size() == 1);
  CHECK(list(tree.files()).front().complaints.size() == 1);
}
