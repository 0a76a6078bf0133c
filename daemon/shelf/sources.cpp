#include <algorithm>
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
    Row{profile::Source::directory, &make_directory_source},
};

}  // namespace

std::unique_ptr<Source> make_source(const Work& work) {
  for (const Row& row : sources) {
    if (row.source == work.shelf.source) return row.make(work);
  }
  return nullptr;
}

Result<void> tick_and_pause(const Work& work) {
  using namespace std::chrono_literals;
  work.tick();
  // In short pieces: an order of the operator is obeyed within a second.
  for (auto rest = work.pause(); rest > 0ms && work.stop_now() == nullptr; rest = work.pause()) {
    work.system.clock.sleep_for(std::min(rest, std::chrono::milliseconds(200)));
    work.tick();
  }
  if (work.stop_now() == nullptr) return {};
  return fail(Why::refused, "cannot go on: it was stopped on request");
}

std::optional<Stopped> held_by_full_cache(const Work& work, const std::vector<File>& missing,
                                          const Error& error) {
  const auto space = work.system.files.space(work.layout.home);
  if (!space || (space->available >= total_of(missing) && space->inodes_available >= missing.size()))
    return std::nullopt;
  return Stopped{State::held,
                 {Why::failed, error.said, "free some space; the worker looks again by itself"},
                 std::chrono::seconds(300)};
}

}  // namespace fettle::shelf
