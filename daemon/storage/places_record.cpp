#include "storage/places_record.h"

#include "base/json.h"

namespace fettle::storage {

Result<std::vector<MadeLink>> read_made_links(const system::Files& files) {
  std::vector<MadeLink> links;
  const auto text = files.read(places_record, 256_KiB);
  if (!text && text.error().why == Why::missing) return links;
  if (!text) return fail(text.error());
  const auto value = parse_json(*text, "the record of links '" + std::string(places_record) + "'");
  if (!value) return fail(value.error());
  const boost::json::value* const list = json_field(*value, "links");
  if (list == nullptr || !list->is_array()) {
    return fail(Why::malformed, "cannot use '" + std::string(places_record) + "': it has no list of links",
                "move it away; links that it named are then nobody's, and stay");
  }
  for (const boost::json::value& item : list->get_array())
    links.push_back({json_text(item, "path"), json_text(item, "target")});
  return links;
}

Result<Outcome> write_made_links(const system::Files& files, const std::vector<MadeLink>& links) {
  boost::json::array list;
  for (const MadeLink& link : links) list.push_back({{"path", link.path}, {"target", link.target}});
  return files.write(places_record, pretty_json({{"links", list}}), 0600);
}

}  // namespace fettle::storage
