#include <doctest/doctest.h>

#include "cli/commands.h"
#include "cli/served_node.h"
#include "serve/inputs.h"
#include "serve/metrics.h"
#include "support/golden.h"

using namespace fettle;
using namespace fettle::cli;
using fettle::test::ServedNode;

namespace {

const std::string directory = "/var/lib/node-exporter";
const std::string page = directory + "/fettle.prom";

}  // namespace

TEST_CASE("metrics: the page of the daemon, as it answers it") {
  ServedNode node(test::ready_node());
  CHECK(node.run(&run_metrics, {}) == 0);
  CHECK(node.out.str().starts_with("# HELP fettle_info "));
  CHECK(node.out.str().find("\nfettle_gpus_seen 8\n") != std::string::npos);
  CHECK(node.out.str().find("fettle_up") == std::string::npos);  // Prometheus makes its own `up` of a scrape
  CHECK(node.err.str().empty());
}

TEST_CASE("metrics: a file for node_exporter, readable by it, and nothing beside it") {
  ServedNode node(test::ready_node());
  node.tree.file(page, "# what was there before\n");
  CHECK(node.run(&run_metrics, {"--textfile", page}) == 0);
  CHECK(node.out.str().empty());
  const std::string text = node.tree.read(page);
  CHECK(text.starts_with(serve::textfile_text("", node.clock.now()) + "# HELP fettle_info "));
  CHECK(text.find("\nfettle_up 1\n") != std::string::npos);
  CHECK(text.find("what was there before") == std::string::npos);
  CHECK(node.tree.files().look(page)->mode == 0644);
  CHECK(node.tree.files().list(directory) == std::vector<std::string>{"fettle.prom"});
}

TEST_CASE("metrics: an old page is replaced by one that says the daemon does not answer") {
  ServedNode node;
  node.tree.file(page, "fettle_up 1\nfettle_gpus_seen 8\n");
  CHECK(node.run(&run_metrics, {"--textfile", page}) == 69);
  CHECK(node.err.str().find("systemctl status fettled") != std::string::npos);
  test::check_golden("cli-metrics-no-daemon.prom", node.tree.read(page));
  CHECK(node.run(&run_metrics, {}) == 69);
  CHECK(node.out.str().empty());
}

TEST_CASE("metrics: two pages are told apart by their time, also when nothing else changed") {
  const auto now = std::chrono::system_clock::time_point(std::chrono::seconds(1764000000));
  CHECK(serve::textfile_text({}, now) != serve::textfile_text({}, now + std::chrono::seconds(1)));
}

TEST_CASE("metrics: a path that node_exporter would never read is refused, and nothing is made") {
  ServedNode node(test::ready_node());
  node.tree.directory(directory).file("/var/lib/file", "");
  for (const auto& [path, said] : std::vector<std::pair<std::string, std::string>>{
           {"fettle.prom", "does not begin with '/'"},
           {directory + "/fettle.txt", "reads only files that end in .prom"},
           {"/var/lib/typo/fettle.prom", "'/var/lib/typo'"},
           {"/var/lib/file/fettle.prom", "is no directory"},
           {"", "does not begin with '/'"}}) {
    CAPTURE(path);
    CHECK(node.run(&run_metrics, {"--textfile", path}) == 64);
    CHECK(node.err.str().find(said) != std::string::npos);
    CHECK(node.err.str().find("hint: ") != std::string::npos);
  }
  CHECK(node.tree.files().exists("/var/lib/typo") == false);
  CHECK(node.tree.files().list(directory)->empty());
}
