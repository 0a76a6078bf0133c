// What other monitors expect of a check: the exit code, which they number differently, and the text.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/finding.h"

namespace fettle::cli {

enum class Dialect { plain, json, nagios, npd, nhc };

// Exit codes by status. This is the one place that knows them.
//   plain, json, nagios  0 ok, 1 warning, 2 critical, 3 unknown: the order of monitoring plugins
//   npd                  0 ok, 1 problem, 2 unknown (node-problem-detector, custom plugins). A warning is no
//                        problem there: a problem may drain the node.
//   nhc                  0 ok, else the node is taken offline (Node Health Check). What could not be looked
//   at
//                        counts as bad, a warning does not.
struct DialectRow {
  std::string_view name;
  Dialect dialect;
  int pass;
  int not_applicable;
  int warn;
  int unknown;
  int fail;
};
inline constexpr std::array dialects{
    DialectRow{"plain", Dialect::plain, 0, 0, 1, 3, 2},   DialectRow{"json", Dialect::json, 0, 0, 1, 3, 2},
    DialectRow{"nagios", Dialect::nagios, 0, 0, 1, 3, 2}, DialectRow{"npd", Dialect::npd, 0, 0, 0, 2, 1},
    DialectRow{"nhc", Dialect::nhc, 0, 0, 0, 1, 1},
};

int exit_code(Dialect dialect, Status status);

// The text of nagios, npd and nhc; plain and json have printers of their own. Each monitor reads the first
// line, some only its first 80 bytes: it begins with the worst.
//   nagios  "FETTLE CRITICAL - gpu.count: 7 of 8 ... | fail=1 warn=0 unknown=0 pass=15", then a line for each
//           finding that does not pass
//   npd     one line
//   nhc     a line for each finding that counts as bad, nothing when all is well
std::string print(Dialect dialect, const Findings& findings);

}  // namespace fettle::cli
