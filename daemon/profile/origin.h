// Origin: which file and line set one of the values that are wanted of a node.
#pragma once

#include <string>

namespace fettle::profile {

struct Origin {
  std::string key;    // "gpus", "host.memory", "shelves"
  std::string value;  // as written, where it is one text
  std::string file;
  int line = 0;
  int column = 0;
};

}  // namespace fettle::profile
