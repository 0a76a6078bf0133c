// The kind "shelf": model repositories and where they come from.
#include <array>

#include "profile/documents.h"
#include "profile/rules.h"

namespace fettle::profile {
namespace {

constexpr std::array repository_fields{
    field<&Repository::id, text<repository_rule>>("id", Need::required),
    field<&Repository::revision, text<branch_rule>>("revision", Need::required),
    field<&Repository::unpinned, boolean>("unpinned"),
    field<&Repository::include, list_of<text<pattern_rule>, std::string>>("include"),
    field<&Repository::exclude, list_of<text<pattern_rule>, std::string>>("exclude"),
};

void repository(Reading& reading, const Node& node, const std::string& what, Repository& out) {
  if (!read_fields(reading, node, what, out, repository_fields) || out.revision.empty()) return;
  const Place place = node.find("revision")->place;
  if (!out.unpinned && !is_commit(out.revision)) {
    reading.complain(place, "'revision' must be a commit, not '" + shown(out.revision) + "'",
                     "40 hex digits, or 'unpinned: true' beside it when a moving branch is meant");
  }
  if (out.unpinned && is_commit(out.revision)) {
    reading.complain(node.find("unpinned")->place, "'unpinned' contradicts the commit in 'revision'",
                     "leave it out");
  }
}

constexpr std::array sources{
    Word<Source>{"hub", Source::hub},
    Word<Source>{"archive", Source::archive},
};

constexpr std::array shelf_fields{
    header<Shelf>("schema"),
    header<Shelf>("kind"),
    field<&Shelf::name, own_name>("name"),
    field<&Shelf::why, text<sentence_rule>>("why"),
    field<&Shelf::priority, number<-1000, 1000, int>>("priority"),
    field<&Shelf::source, choice<sources, Source>>("source"),
    field<&Shelf::archive, text<path_rule>>("archive"),
    field<&Shelf::endpoint, text<endpoint_rule>>("endpoint"),
    field<&Shelf::repositories, some_of<repository, Repository>>("repositories", Need::required),
};

}  // namespace

void read_shelf(Reading& reading, const Node& root, Shelf& out) {
  if (!read_fields(reading, root, "a shelf", out, shelf_fields)) return;
  const Node* const archive = root.find("archive");
  const Node* const endpoint = root.find("endpoint");
  if (out.source == Source::archive && archive == nullptr) {
    reading.complain(root.find("source")->place, "a shelf from an archive needs the key 'archive'",
                     "the absolute path of a tar file");
  }
  if (out.source == Source::hub && archive != nullptr) {
    reading.complain(archive->place, "'archive' has no effect on a shelf from the hub", "source: archive");
  }
  if (out.source == Source::archive && endpoint != nullptr) {
    reading.complain(endpoint->place, "'endpoint' has no effect on a shelf from an archive", "source: hub");
  }
  Once repositories("the repository");
  for (std::size_t at = 0; at < out.repositories.size(); ++at) {
    const Node* const id = root.find("repositories")->items[at].find("id");
    if (id != nullptr) repositories.see(reading, id->place, out.repositories[at].id);
  }
}

}  // namespace fettle::profile
