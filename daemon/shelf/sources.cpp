#include <array>

#include "shelf/source.h"

namespace fettle::shelf {
namespace {

struct Row {
  profile::Source source;
  std::unique_ptr<Source> (*make)(const Work&);
};

constexpr std::array sources{
    Row{profile::Source::hub, &make_hub_source},
    Row{profile::Source::archive, &make_archive_source},
};

}  // namespace

std::unique_ptr<Source> make_source(const Work& work) {
  for (const Row& row : sources) {
    if (row.source == work.shelf.source) return row.make(work);
  }
  return nullptr;
}

}  // namespace fettle::shelf
