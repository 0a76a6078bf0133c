// The kind "configuration": /etc/fettle/fettle.yaml.
#include <array>

#include "profile/documents.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

void named(Reading& reading, const Node& node, const std::string& what, Named& out) {
  out.place = node.place;
  text<name_rule>(reading, node, what, out.name);
}

constexpr std::array configuration_fields{
    header<Configuration>("schema"),
    header<Configuration>("kind"),
    field<&Configuration::profile, named>("profile", Need::required),
    field<&Configuration::shelves, list_of<named, Named>>("shelves"),
    field<&Configuration::cache, read_cache>("cache"),
};

}  // namespace

void read_configuration(Reading& reading, const Node& root, Configuration& out) {
  if (!read_fields(reading, root, "a configuration", out, configuration_fields)) return;
  Once shelves("the shelf");
  for (const Named& shelf : out.shelves) shelves.see(reading, shelf.place, shelf.name);
}

}  // namespace fettle::profile
