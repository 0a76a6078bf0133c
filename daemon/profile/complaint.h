// Complaint: one mistake in a YAML file, with its place and what would be right.
#pragma once

#include <string>
#include <vector>

namespace fettle::profile {

struct Complaint {
  std::string file;
  int line = 0;    // from 1; 0 = the file as a whole
  int column = 0;  // from 1, in bytes
  std::string what;
  std::string allowed;  // may be empty
};

// `mi300x.yaml:4:5  unknown key 'valu'  known here: name, value, why`
std::string to_text(const Complaint& complaint);

using Complaints = std::vector<Complaint>;

}  // namespace fettle::profile
