// Tally: one finding out of what was seen on several devices; the worst decides and is told first.
#pragma once

#include <string>
#include <vector>

#include "base/finding.h"

namespace fettle::health {

class Tally {
 public:
  // `where` names the device ("0000:27:00.0"). Of equal texts one is told, with the number of devices.
  void add(std::string where, Finding finding);

  // The finding of all of them: `fine` when nothing was added or all pass. At most three devices are named.
  Finding finding(std::string fine) const;

 private:
  struct Seen {
    std::string where;
    Finding finding;
  };
  std::vector<Seen> seen_;
};

}  // namespace fettle::health
