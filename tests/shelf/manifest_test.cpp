#include "shelf/manifest.h"

#include <doctest/doctest.h>

#include <array>

using namespace fettle;
using namespace fettle::shelf;

namespace {

const std::string commit(40, 'a');
const std::string sha(64, 'b');
const std::string git(40, 'c');

Manifest good() {
  return {"owner/name", commit, "main", {{"config.json", {4}, git}, {"sub/w.bin", {9}, sha}}};
}

}  // namespace

TEST_CASE("shelf: repository names are the hub's own") {
  for (const char* name : {"a/b", "Qwen/Qwen3-0.6B", "amd/Mixtral-8x7B-Instruct-v0.1-FP8-KV", "a_b/c_d"}) {
    CAPTURE(name);
    CHECK(check_id(name));
  }
  for (const char* name : {"", "a", "/a", "a/", "a/b/c", "../b", "a/..", "a/.b", "a/b c", "a--b/c", "a/b\n",
                           "-a/b", "a/b.", "a\\b/c", "a/b..c"}) {
    CAPTURE(name);
    CHECK_FALSE(check_id(name));
  }
  CHECK_FALSE(check_id("a/" + std::string(97, 'x')));
}

TEST_CASE("shelf: a file list with anything odd in it is refused as a whole") {
  CHECK(check(good()));
  struct Row {
    const char* what;
    void (*harm)(Manifest&);
  };
  constexpr std::array rows{
      Row{"branch instead of commit", [](Manifest& m) { m.revision = "main"; }},
      Row{"upper case commit", [](Manifest& m) { m.revision = std::string(40, 'A'); }},
      Row{"ref out of refs", [](Manifest& m) { m.ref = "../HEAD"; }},
      Row{"no file", [](Manifest& m) { m.files.clear(); }},
      Row{"path out of the repository", [](Manifest& m) { m.files[0].path = "../../x"; }},
      Row{"absolute path", [](Manifest& m) { m.files[0].path = "/etc/passwd"; }},
      Row{"blob name with a path", [](Manifest& m) { m.files[0].blob = "../" + std::string(37, 'c'); }},
      Row{"short hash", [](Manifest& m) { m.files[0].blob = "abc"; }},
      Row{"path twice", [](Manifest& m) { m.files[1].path = m.files[0].path; }},
      Row{"one hash, two sizes", [](Manifest& m) { m.files[1].blob = m.files[0].blob; }},
      Row{"exabytes", [](Manifest& m) { m.files[0].size = {1ULL << 61U}; }},
      Row{"exabytes together",
          [](Manifest& m) {
            m.files[0].size = {1ULL << 60U};
            m.files[1].size = {1ULL << 60U};
          }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Manifest manifest = good();
    row.harm(manifest);
    CHECK_FALSE(check(manifest));
  }
}

TEST_CASE("shelf: blobs are counted once, the largest first") {
  Manifest manifest = good();
  manifest.files.push_back({"copy.bin", {9}, sha});
  const auto blobs = blobs_of(manifest);
  REQUIRE(blobs.size() == 2);
  CHECK(blobs[0].blob == sha);
  CHECK(total_of(blobs).count == 13);
}

TEST_CASE("shelf: patterns select as the client does") {
  const std::vector<File> files{
      {"config.json", {1}, git}, {"a/b/w.safetensors", {1}, sha}, {"w.bin", {1}, sha}};
  const auto names = [&](const std::vector<std::string>& include, const std::vector<std::string>& exclude) {
    std::string all;
    for (const File& file : select(files, include, exclude)) all += file.path + " ";
    return all;
  };
  CHECK(names({}, {}) == "config.json a/b/w.safetensors w.bin ");
  CHECK(names({"*.safetensors"}, {}) == "a/b/w.safetensors ");  // "*" crosses "/"
  CHECK(names({"a/"}, {}) == "a/b/w.safetensors ");
  CHECK(names({}, {"*.bin", "*.json"}) == "a/b/w.safetensors ");
  CHECK(names({"w.*"}, {"w.*"}).empty());
}

TEST_CASE("shelf: the client's list gives the hash that each file must have") {
  const auto files = parse_listing(
      R"([{"path": "sub", "tree_id": "x", "last_commit": null},
          {"path": "config.json", "size": 4, "blob_id": "g", "lfs": null, "xet_hash": null},
          {"path": "w", "size": 18446744073709551615, "blob_id": "p", "lfs": {"size": 9, "sha256": "s"}}])",
      "a/b");
  REQUIRE(files);
  REQUIRE(files->size() == 2);
  CHECK((*files)[0].blob == "g");
  CHECK((*files)[1].blob == "s");
  CHECK((*files)[1].size.count == 18446744073709551615ULL);
  for (const char* bad : {"", "(empty)", "{}", "<!doctype html>", "[{\"path\": \"a\", \"blob_id\": \"x\"}]",
                          "[{\"path\": \"a\", \"blob_id\": \"x\", \"size\": -1}]",
                          "[{\"path\": \"a\", \"blob_id\": \"x\", \"size\": \"4\"}]"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_listing(bad, "a/b"));
  }
}

TEST_CASE("shelf: the archive's list goes out and in as it is") {
  const auto read = parse_archive_manifest(to_json({good()}));
  REQUIRE(read);
  REQUIRE(read->size() == 1);
  CHECK((*read)[0].id == "owner/name");
  CHECK((*read)[0].files[1].path == "sub/w.bin");
  CHECK((*read)[0].files[1].size.count == 9);
  CHECK(to_json(*read) == to_json({good()}));
  Manifest evil = good();
  evil.files[0].path = "../x";
  for (const std::string& bad :
       {std::string("{}"), std::string("[]"), std::string(R"({"format": 2, "repositories": []})"),
        std::string(R"({"format": 1, "repositories": []})"),
        std::string(R"({"format": 1, "repositories": [{"id": "a/b"}]})"), to_json({evil})}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_archive_manifest(bad));
  }
}
