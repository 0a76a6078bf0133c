#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "base/json.h"
#include "cli/commands.h"
#include "support/fakes.h"
#include "support/golden.h"
#include "support/source.h"
#include "support/tree.h"

using namespace fettle;
using fettle::test::Tree;

namespace {

struct Answer {
  int code = 0;
  std::string out;
  std::string err;
};

// A captured machine with the tables of the package.
void install_tables(Tree& tree) {
  tree.directory("/usr/share/fettle");
  std::filesystem::copy(test::source_dir() / "profiles", tree.root() + "/usr/share/fettle/profiles",
                        std::filesystem::copy_options::recursive);
}

Answer run(const Tree& tree, const std::vector<std::string>& arguments,
           cli::Format format = cli::Format::text) {
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  cli::Context context{{tree.files(), runner, clock}, format, out, err};
  const int code = cli::run_compat(context, arguments);
  return {code, out.str(), err.str()};
}

}  // namespace

TEST_CASE("cli compat: the page around a captured node is as it was") {
  for (const char* const node : {"baremetal-spx", "azure-nd-mi300x-v5-spx"}) {
    Tree tree(node);
    install_tables(tree);
    const Answer answer = run(tree, {});
    test::check_golden("cli-compat-" + std::string(node) + ".txt", answer.out);
    CHECK(answer.code == (std::string(node) == "baremetal-spx" ? 0 : 1));
  }
}

TEST_CASE("cli compat: the five combinations come out as the platform notes say, asked from any machine") {
  Tree laptop;
  install_tables(laptop);
  struct Row {
    const char* os;
    const char* kernel;
    const char* rocm;
    const char* driver;
    const char* verdict;
    int code;
  };
  std::string page;
  for (const Row& row : {
           Row{"ubuntu-24.04.3", "6.14.0-32-generic", "7.0.2", "30.10.2", "supported", 0},
           Row{"ubuntu-22.04.4", "5.15.0-119-generic", "6.2.2", "6.8.5", "supported", 0},
           Row{"Ubuntu 22.04.5", "5.15", "6.2.2", "6.2.2", "supported", 0},
           Row{"22.04.5", "6.8.0-40-generic", "6.2.2", "6.8.5", "excluded", 2},
           Row{"ubuntu-24.04.3", "6.14.0-32-generic", "6.4.1", "6.4.1", "not_listed", 2},
           Row{"ubuntu-24.04.4", "6.17.0-5-generic", "10.0.0", "31.40.0", "not_listed", 2},
           Row{"ubuntu-24.04.3", "6.14.0-1012-azure", "7.0.2", "1:6.14.14.30100200-2226257.24.04",
               "flavour_not_listed", 1},
           Row{"ubuntu-24.04.3", "6.14.0-32-generic", "11.0.0", "30.10.2", "newer_than_table", 1},
           Row{"debian-13", "6.12.48+deb13-amd64", "7.0.2", "30.10.2", "not_listed", 2},
       }) {
    const std::vector<std::string> question = {"--os",   row.os,   "--kernel", row.kernel,
                                               "--rocm", row.rocm, "--driver", row.driver};
    const Answer answer = run(laptop, question, cli::Format::json);
    CAPTURE(answer.out);
    CHECK(answer.code == row.code);
    const auto json = parse_json(answer.out, "the answer");
    REQUIRE(json);
    CHECK(json_text(*json, "verdict") == row.verdict);
    CHECK_FALSE(json_text(*json, "why").empty());
    CHECK(json_text(*json, "advice").empty() == (row.code == 0));
    REQUIRE(json_field(*json, "sources") != nullptr);
    CHECK_FALSE(json_field(*json, "sources")->as_array().empty());  // the driver's row at least
    page += std::string(row.os) + " " + row.kernel + " ROCm " + row.rocm + " driver " + row.driver + "\n  " +
            json_text(*json, "verdict") + ": " + json_text(*json, "why") + "\n  " +
            json_text(*json, "advice") + "\n";
  }
  test::check_golden("cli-compat-what-if.txt", page);
}

TEST_CASE("cli compat: what is not given is this node's, and what nobody could read stays unknown") {
  Tree tree("baremetal-spx");
  install_tables(tree);
  CHECK(run(tree, {"--rocm", "7.1.0"}).out.find("driver 30.10.2, ROCm 7.1.0") != std::string::npos);
  CHECK(run(tree, {"--rocm", "6.4.1"}).code == 2);
  tree.remove("/proc/sys/kernel/osrelease");
  const Answer unknown = run(tree, {"--rocm", "7.1.0"});
  CHECK(unknown.code == 3);
  CHECK(unknown.out.find("cannot read '/proc/sys/kernel/osrelease'") != std::string::npos);
  CHECK(run(tree, {"--rocm", "7.1.0", "--kernel", "6.14"}).code == 0);

  Tree in_tree("baremetal-spx");
  in_tree.overlay("driver-in-tree");
  install_tables(in_tree);
  CHECK(run(in_tree, {"--rocm", "7.1.0"}).code == 2);
  CHECK(run(in_tree, {"--rocm", "7.1.0", "--driver", "30.20.0"}).code == 0);
}

TEST_CASE("cli compat: the newest set keeps the kernel where it can, and leaves previews and guesses out") {
  Tree laptop;
  install_tables(laptop);
  const auto newest = [&](const char* os, const char* kernel) {
    const Answer answer = run(laptop, {"--newest", "--os", os, "--kernel", kernel});
    return answer.out.substr(0, answer.out.find('\n'));
  };
  CHECK(newest("ubuntu-24.04.3", "6.14") == "ROCm 7.1.1, kernel 6.14 (HWE), driver 30.20.1");
  CHECK(newest("ubuntu-24.04.4", "6.17") == "ROCm 7.2.4, kernel 6.17 (HWE), driver 30.30.x");
  CHECK(newest("ubuntu-24.04.4", "6.8") == "ROCm 10.0.0, kernel 6.8 (GA), driver 31.40.1");
  CHECK(newest("ubuntu-24.04.3", "6.11") ==
        "ROCm 7.1.1, kernel 6.14 (HWE), driver 30.20.1; no release lists kernel 6.11");
  CHECK(newest("ubuntu-25.10", "6.17") == "nothing in the table goes with this system");
  CHECK(run(laptop, {"--newest", "--os", "ubuntu-25.10", "--kernel", "6.17"}).code == 2);
}

TEST_CASE("cli compat: other GPUs, nonsense and a missing table are told as such") {
  Tree tree("baremetal-spx");
  CHECK(run(tree, {}).code == 3);
  CHECK(run(tree, {}).err.find("it is part of the package") != std::string::npos);
  install_tables(tree);
  CHECK(run(tree, {"--gpu", "mi300x"}).code == 0);
  CHECK(run(tree, {"--gpu", "0x74b5"}).code == 0);
  const Answer other = run(tree, {"--gpu", "MI325X"});
  CHECK(other.code == 3);
  CHECK(other.out.find("the table speaks of MI300X only, not of MI325X") != std::string::npos);
  for (const std::vector<std::string>& nonsense :
       std::vector<std::vector<std::string>>{{"--gpu", "rtx"},
                                             {"--os", "ubuntu"},
                                             {"--os", "ubuntu-x", "--kernel", "6.8"},
                                             {"--os", "ubuntu-24.04.3"},
                                             {"--kernel", "generic"},
                                             {"--rocm", "latest"},
                                             {"--driver", "x"},
                                             {"--driver", "1:6.14.14-x"},
                                             {"--rocm"},
                                             {"--nonsense"}}) {
    CAPTURE(nonsense.front());
    CHECK(run(tree, nonsense).code == 64);
  }
}
