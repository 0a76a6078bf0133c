// Boot: from the arguments of fettled to a running daemon, and its exit code.
#pragma once

#include <iosfwd>
#include <string>

#include "base/names.h"

namespace fettle::app {

enum class Run { forever, once };

struct Options {
  std::string root = "/";
  std::string config{names::config_file};
  std::string version;
  const char* journal_stream = nullptr;  // $JOURNAL_STREAM
  Run run = Run::forever;
};

// 0 after SIGTERM, or when `once` printed its answer; 64 for a root that is none; 78 for a configuration with
// mistakes; 1 when the sockets cannot be had.
int run(const Options& options, std::ostream& out, std::ostream& err);

}  // namespace fettle::app
