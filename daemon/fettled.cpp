// fettled: the daemon. Arguments, signals and exit codes only; app/ does the rest.
#include <malloc.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "app/boot.h"

using namespace fettle;

namespace {

constexpr int usage_code = 64;  // EX_USAGE

void print_help(std::ostream& out) {
  out << "fettled looks at the node and answers on /run/fettle/status.sock.\n\n"
         "usage: fettled [--root DIR] [--config FILE] [--once]\n\n"
         "  --root DIR     a captured machine below DIR instead of this one\n"
         "  --config FILE  the configuration, as seen from the root; default /etc/fettle/fettle.yaml\n"
         "  --once         look once, print what /v1/status would answer, and end\n"
         "  --version      print the version\n";
}

int usage_error(const std::string& what) {
  std::cerr << "fettled: " << what << "\n  hint: `fettled --help` lists the options\n";
  return usage_code;
}

}  // namespace

int main(int argc, char** argv) {
  app::Options options;
  options.version = FETTLE_VERSION;
  options.journal_stream = std::getenv("JOURNAL_STREAM");
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help" || word == "-h") {
      print_help(std::cout);
      return 0;
    }
    if (word == "--version") {
      std::cout << "fettled " FETTLE_VERSION "\n";
      return 0;
    }
    if (word == "--once") {
      options.run = app::Run::once;
    } else if (word == "--root" || word == "--config") {
      if (i + 1 == argc) return usage_error("'" + std::string(word) + "' needs a value");
      (word == "--root" ? options.root : options.config) = argv[++i];
    } else {
      return usage_error("there is no option '" + std::string(word) + "'");
    }
  }
  // Looks come and go on threads of their own: without this each may leave an arena behind, a megabyte of
  // nothing.
  ::mallopt(M_ARENA_MAX, 1);
  return app::run(options, std::cout, std::cerr);
}
