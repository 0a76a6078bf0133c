// The hub's client in an environment of its own: what is run, what is refused, what stays when it fails.
#include "shelf/client_install.h"

#include <doctest/doctest.h>

#include <array>

#include "shelf/client.h"
#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::shelf;
using fettle::test::FakeClock;
using fettle::test::FakeRunner;
using fettle::test::Tree;

namespace {

const std::string hash(64, 'a');
const std::string list = "# made by uv\nhuggingface_hub==1.23.0 \\\n    --hash=sha256:" + hash +
                         " \\\n    --hash=sha256:" + hash + "\nhf-xet==1.6.0 --hash=sha256:" + hash + "\n";
constexpr const char* site = "/etc/fettle/client/requirements.txt";

struct Bench {
  Tree tree;
  FakeRunner runner;
  FakeClock clock;

  Bench() {
    tree.file("/usr/bin/python3").file(site, list);
    // The root stands in front of what the programs see.
    at = tree.root();
  }
  Result<InstallPlan> plan(const InstallWish& wish = {}) const { return plan_install(tree.files(), wish); }
  Result<void> apply(const InstallPlan& plan) { return apply_install({tree.files(), runner, clock}, plan); }
  std::string at;
};

std::vector<std::string> lines_of(const InstallPlan& plan) {
  std::vector<std::string> all;
  for (const system::Command& command : plan.commands) all.push_back(system::to_text(command));
  return all;
}

}  // namespace

TEST_CASE("client install: with venv and pip, from the registry or a wheelhouse, always with hashes") {
  Bench bench;
  const auto plan = bench.plan();
  REQUIRE(plan);
  CHECK(plan->requirements == site);
  REQUIRE(plan->wanted.size() == 2);
  CHECK(plan->wanted[0].name == "huggingface-hub");
  CHECK(plan->wanted[0].version == "1.23.0");
  CHECK(plan->wanted[0].hashes == 2);
  CHECK(plan->directory.find("/opt/fettle/hf-") == 0);
  const std::string directory = bench.at + plan->directory;
  CHECK(lines_of(*plan) ==
        std::vector<std::string>{bench.at + "/usr/bin/python3 -m venv --clear " + directory,
                                 directory +
                                     "/bin/python -m pip install --require-hashes --only-binary :all: -r " +
                                     bench.at + site});
  for (const system::Command& command : plan->commands)
    CHECK(command.env.at("PIP_CONFIG_FILE") == "/dev/null");

  bench.tree.file("/usr/bin/uv").file("/srv/wheels/huggingface_hub-1.23.0-py3-none-any.whl");
  const auto offline = bench.plan({"", "/srv/wheels"});
  REQUIRE(offline);
  CHECK(lines_of(*offline) ==
        std::vector<std::string>{
            bench.at + "/usr/bin/python3 -m venv --clear --without-pip " + directory,
            bench.at + "/usr/bin/uv pip install --python " + directory +
                "/bin/python --require-hashes --only-binary :all: --no-index --find-links " + bench.at +
                "/srv/wheels -r " + bench.at + site});
}

TEST_CASE("client install: the new client takes over only when it answers, and the second run does nothing") {
  Bench bench;
  const auto plan = bench.plan();
  REQUIRE(plan);
  const std::string directory = bench.at + plan->directory;
  bench.runner.expect(bench.at + "/usr/bin/python3 -m venv")
      .expect(directory + "/bin/python -m pip")
      .expect(directory + "/bin/hf version", system::Completed{0, R"({"version": "1.23.0"})", ""});
  bench.tree.file(plan->directory + "/bin/hf");
  REQUIRE(bench.apply(*plan));
  CHECK(*bench.tree.files().read_link(client_link) == plan->directory.substr(12));
  const auto again = bench.plan();
  REQUIRE(again);
  CHECK(again->commands.empty());
  REQUIRE(bench.apply(*again));
  // Staging takes it before any other.
  bench.tree.file("/usr/bin/hf");
  const profile::Shelf shelf;
  const Options options;
  const Layout layout{"/srv/fettle/hf"};
  const system::System system{bench.tree.files(), bench.runner, bench.clock};
  bench.runner.expect(bench.at + "/opt/fettle/hf/bin/hf version",
                      system::Completed{0, R"({"version": "1.23.0"})", ""});
  CHECK(find_client({system, shelf, options, layout})->version.to_text() == "1.23.0");
  // Another list is another client.
  bench.tree.file(site, list + "# newer\n");
  const auto newer = bench.plan();
  REQUIRE(newer);
  CHECK(newer->commands.size() == 2);
  CHECK(newer->directory != plan->directory);
}

TEST_CASE("client install: whatever fails leaves the client that was there, and says what to do") {
  struct Row {
    std::size_t fails_at;
    system::Completed end;
    const char* says;
    const char* hint;
  };
  const std::array rows{
      Row{0,
          {1, "The virtual environment was not created because ensurepip is not available.", ""},
          "ended with exit code 1",
          "apt install python3-venv"},
      Row{1,
          {1, "", "ERROR: Could not find a version\nERROR: No matching distribution found for hf-xet==1.6.0"},
          "Could not find a version",
          "--wheelhouse DIR"},
      Row{1,
          {1, "",
           "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated "
           "the "
           "package versions, please update the hashes.\n    huggingface_hub==1.23.0 from file:///w/h.whl:\n"
           "        Expected sha256 00\n             Got        ab\n"},
          "DO NOT MATCH",
          "never install it"},
      Row{2, {1, "", "ImportError: libssl.so.3"}, "ImportError", "--wheelhouse DIR"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.says);
    Bench bench;
    bench.tree.file("/opt/fettle/hf-old/bin/hf").link("/opt/fettle/hf", "hf-old");
    const auto plan = bench.plan();
    REQUIRE(plan);
    for (std::size_t i = 0; i <= row.fails_at; ++i)
      bench.runner.expect(i == 0 ? bench.at + "/usr/bin/python3" : bench.at + plan->directory + "/bin/",
                          i == row.fails_at ? row.end : system::Completed{});
    const auto done = bench.apply(*plan);
    REQUIRE_FALSE(done);
    CHECK(done.error().said.find(row.says) != std::string::npos);
    CHECK(done.error().hint.find(row.hint) != std::string::npos);
    CHECK(*bench.tree.files().read_link(client_link) == "hf-old");
  }
}

TEST_CASE(
    "client install: a list without hashes or versions, with options, or without the client is refused") {
  struct Row {
    std::string text;
    const char* says;
  };
  for (const Row& row :
       {Row{"huggingface_hub==1.23.0\n", "line 1 has no hash"},
        Row{"\nhuggingface_hub>=1.22 --hash=sha256:" + hash + "\n", "line 2 has no exact version"},
        Row{"huggingface_hub --hash=sha256:" + hash + "\n", "line 1 has no exact version"},
        Row{"--index-url https://elsewhere\n" + list, "line 1 is an option"},
        Row{"huggingface_hub==1.23.0 --hash=md5:abc\n", "line 1 has '--hash=md5:abc'"},
        Row{"huggingface_hub==1.23.0 --hash=sha256:abc\n", "which is no --hash=sha256"},
        Row{"huggingface_hub==1.23.0 --hash=sha256:" + hash + " --index-url x\n", "has '--index-url'"},
        Row{"huggingface_hub==1.23.0 \\\n", "line 1 does not end"},
        Row{"hf-xet==1.6.0 --hash=sha256:" + hash + "\n", "huggingface_hub is not in it"},
        Row{"", "huggingface_hub is not in it"}}) {
    CAPTURE(row.text);
    Bench bench;
    bench.tree.file(site, row.text);
    const auto plan = bench.plan();
    REQUIRE_FALSE(plan);
    CHECK(plan.error().why == Why::refused);
    CHECK(plan.error().said.find(std::string("cannot use '") + site + "': ") == 0);
    CHECK(plan.error().said.find(row.says) != std::string::npos);
    CHECK_FALSE(plan.error().hint.empty());
  }
}

TEST_CASE(
    "client install: without a list, Python or wheels, and beside a client of somebody else: said, not "
    "done") {
  Bench bench;
  SUBCASE("no list") {
    bench.tree.remove(site);
    CHECK(bench.plan().error().hint.find("uv pip compile --generate-hashes") != std::string::npos);
    bench.tree.file("/usr/share/fettle/profiles/client/requirements.txt", list);
    CHECK(bench.plan()->requirements == "/usr/share/fettle/profiles/client/requirements.txt");
    CHECK(bench.plan({"/home/me/list", ""}).error().why == Why::missing);
  }
  SUBCASE("no Python") {
    bench.tree.remove("/usr/bin/python3");
    CHECK(bench.plan().error().hint == "`apt install python3 python3-venv`");
  }
  SUBCASE("no wheelhouse") {
    CHECK(bench.plan({"", "/srv/wheels"}).error().said.find("cannot install the client: ") == 0);
  }
  SUBCASE("a directory of somebody else") {
    bench.tree.file("/opt/fettle/hf/bin/hf");
    const auto plan = bench.plan();
    REQUIRE_FALSE(plan);
    CHECK(plan.error().why == Why::refused);
    CHECK(plan.error().hint == "it goes on being used; move it away to have one of fettle's own");
  }
}
