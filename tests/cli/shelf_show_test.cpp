#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "cli/commands.h"
#include "shelf/report.h"
#include "support/fakes.h"
#include "support/source.h"
#include "support/tree.h"

using namespace fettle;

TEST_CASE("cli shelf show: what the profile says of rate, hours, proxy and turn, and why it waits") {
  test::Tree tree;
  tree.directory("/usr/share/fettle");
  std::filesystem::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                        std::filesystem::copy_options::recursive);
  tree.file("/etc/fettle/fettle.yaml",
            "schema: 1\nkind: configuration\nprofile: workstation\ncache:\n  path: /srv/fettle\nshelves: "
            "[night]\n");
  tree.file("/etc/fettle/profiles/shelves/night.yaml",
            "schema: 1\nkind: shelf\nwhy: \"comes while nobody works\"\nrate: 200 MiB\nhours: 22:00-06:00\n"
            "proxy: http://proxy:3128\nno_proxy: [localhost, .example]\njitter_seconds: 600\n"
            "repositories:\n  - {id: a/b, revision: main, unpinned: true}\n");
  shelf::Report report;
  report.shelf = "night";
  report.state = shelf::State::held;
  report.error =
      Error{Why::refused, "cannot go on with 'night': it may only fetch in its hours, 22:00-06:00 UTC",
            "the worker goes on by itself then"};
  REQUIRE(shelf::write_report(tree.files(), report));
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  cli::Context context{{tree.files(), runner, clock}, cli::Format::text, out, err};
  CHECK(cli::run_shelf(context, {"show", "night"}) == 1);
  CHECK(out.str() ==
        "night: held, 0 B of 0 B, 0 of 0 files\n"
        "  rate: at most 200.0 MiB a second\n"
        "  hours: 22:00-06:00 UTC\n"
        "  proxy: http://proxy:3128, not for localhost, .example\n"
        "  begins within 600 s after the boot, at this node's turn\n"
        "cannot go on with 'night': it may only fetch in its hours, 22:00-06:00 UTC\n"
        "  hint: the worker goes on by itself then\n");
  CHECK(err.str().empty());
}
