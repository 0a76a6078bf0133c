#include "profile/documents.h"

#include "profile/rules.h"

namespace fettle::profile {

void own_name(Reading& reading, const Node& node, const std::string& what, std::string& out) {
  text<name_rule>(reading, node, what, out);
  std::string_view file = reading.file();
  if (const auto slash = file.find_last_of('/'); slash != std::string_view::npos)
    file.remove_prefix(slash + 1);
  file = file.substr(0, file.find_last_of('.'));
  if (!out.empty() && out != file) {
    reading.complain(node.place, what + " cannot be '" + shown(out) + "'",
                     "the name of the file, '" + shown(file) + "'; it may be left out");
  }
}

}  // namespace fettle::profile
