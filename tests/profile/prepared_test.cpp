#include "profile/prepared.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "profile/load.h"
#include "support/source.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::profile;
using fettle::test::Tree;

namespace {

namespace fs = std::filesystem;

// Everything that a tree says, so that two can be compared.
std::string told(const Node& node) {
  std::string out = std::to_string(static_cast<int>(node.kind)) + "@" + std::to_string(node.place.line) +
                    ":" + std::to_string(node.place.column) + (node.plain ? "p" : "q") + node.text;
  for (const Node& item : node.items) out += "[" + told(item) + "]";
  for (const Node::Entry& entry : node.entries) {
    out += "{" + entry.key + "@" + std::to_string(entry.place.line) + ":" +
           std::to_string(entry.place.column) + told(entry.value) + "}";
  }
  return out;
}

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

const std::string gpus = "/usr/share/fettle/profiles/gpus.yaml";

}  // namespace

TEST_CASE("prepared: the tree of every shipped file is the one that parsing gives") {
  std::size_t seen = 0;
  for (const auto& entry : fs::recursive_directory_iterator(test::source_dir() / "profiles")) {
    if (entry.path().extension() != ".yaml") continue;
    CAPTURE(entry.path().string());
    const std::string text = read(entry.path());
    const Parsed parsed = parse(text, "it.yaml");
    const auto tree = read_tree(tree_text(text, parsed.root), text);
    REQUIRE(tree);
    CHECK(told(*tree) == told(parsed.root));
    ++seen;
  }
  CHECK(seen > 10);
}

TEST_CASE("prepared: every shape, in the order and the places of its text") {
  const std::string text = "a: 1\nb: \"1\"\nc:\nd: [x, '', {e: ~}]\n? f\n: []\ng: {}\n\"a\": 2\n";
  const Parsed parsed = parse(text, "it.yaml");
  REQUIRE(parsed.complaints.empty());
  const auto tree = read_tree(tree_text(text, parsed.root), text);
  REQUIRE(tree);
  CHECK(told(*tree) == told(parsed.root));
}

TEST_CASE("prepared: a tree of another text, another version, or a broken one counts for nothing") {
  const std::string text = "a: [1, {b: c}]\n";
  const std::string good = tree_text(text, parse(text, "it.yaml").root);
  CHECK(read_tree(good, text));
  CHECK_FALSE(read_tree(good, "a: [1, {b: d}]\n"));
  CHECK_FALSE(read_tree(good, text + " "));
  CHECK_FALSE(read_tree("", text));
  std::string newer = good;
  newer.replace(newer.find("\"version\":1"), 11, "\"version\":2");
  CHECK_FALSE(read_tree(newer, text));
  for (std::size_t length = 0; length + 2 < good.size(); ++length)
    CHECK_FALSE(read_tree(good.substr(0, length), text));
  const std::string head = good.substr(0, good.find("\"root\":") + 7);
  for (const std::string root :
       {"null", "5", "[]", "[1]", "[1,\"x\"]", "[1,1,5]", "[1,1,\"x\",2]", "[1,1,[],1]", "[1,1,[5]]",
        "[1,1,[[1,1]],2]", "[1,1,[[5,1,1,[1,1]]],2]", "[1,1,[[\"k\",1,1,5]],2]", "[1,1,\"x\",1,1]",
        "[99999999999,1]", "[1,1,\"x\",\"y\"]"}) {
    CAPTURE(root);
    CHECK_FALSE(read_tree(head + root + "}", text));
  }
}

TEST_CASE("prepared: only a tree of the package is taken, and only for the file as it is") {
  Tree tree;
  tree.directory("/usr/share/fettle");
  fs::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
           fs::copy_options::recursive);
  const std::string text = tree.read(gpus);
  std::string other = text;
  other.replace(other.find("family: MI300X"), 14, "family: MI999X");
  // It says that it is of this text, but has another one's content: whether it was used shows.
  const std::string marked = tree_text(text, parse(other, "it.yaml").root);
  const auto name_of_first = [&] {
    const Loaded loaded = load_tables(tree.files());
    return loaded.profile ? std::string(loaded.profile->gpu_models.front().family) : "";
  };
  const std::string before = name_of_first();
  tree.file(gpus + ".tree", marked);
  CHECK(name_of_first() != before);
  tree.file(gpus, text + "# changed by hand\n");
  CHECK(name_of_first() == before);
  tree.file(gpus, text);
  tree.file(gpus + ".tree", "{\"half");
  CHECK(name_of_first() == before);
  tree.file(gpus + ".tree", marked);
  fs::permissions(tree.root() + gpus + ".tree", fs::perms::others_write, fs::perm_options::add);
  CHECK(name_of_first() == before);
  fs::permissions(tree.root() + gpus + ".tree", fs::perms::others_write, fs::perm_options::remove);
  CHECK(name_of_first() != before);
  tree.file("/etc/fettle/profiles/gpus.yaml", text);  // the operator's own has no tree
  tree.file("/etc/fettle/profiles/gpus.yaml.tree", marked);
  CHECK(name_of_first() == before);
}
