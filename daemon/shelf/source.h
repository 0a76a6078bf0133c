// Source: where a shelf's bytes come from. Adding one: a file source_NAME.cpp and a row in sources.cpp.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "profile/profile.h"
#include "shelf/layout.h"
#include "shelf/manifest.h"
#include "shelf/report.h"
#include "shelf/stage.h"
#include "system/system.h"

namespace fettle::shelf {

// Why a source could not go on, and what that means for the shelf: failed, refused, or held until later.
struct Stopped {
  State state = State::failed;
  Error error;
  std::chrono::seconds retry_after{0};  // when it is held
  // soon: a connection that broke or a client that was killed may be well again in the next second.
  enum class Again { later, soon } again = Again::later;
};

template <class T>
using Step = tl::expected<T, Stopped>;

inline tl::unexpected<Stopped> stopped(State state, Error error, std::chrono::seconds retry_after = {}) {
  return tl::unexpected<Stopped>(Stopped{state, std::move(error), retry_after, Stopped::Again::later});
}

// What every source gets from the worker.
struct Work {
  const system::System& system;
  const profile::Shelf& shelf;
  const Options& options;
  const Layout& layout;
  mode_t directory_mode = 0755;
  // Called often; publishes progress at most once a second. Gives the bytes on disk of the repository in
  // work.
  std::function<Bytes()> tick;
  // Asked after each tick: why the work must end now, or nothing. The source stops what it started and gives
  // that back.
  std::function<const Stopped*()> stop_now;
  // How long to let nothing come after a tick, to stay below the shelf's rate.
  std::function<std::chrono::milliseconds()> pause = [] { return std::chrono::milliseconds(0); };
};

// For sources that move the bytes themselves: a tick, and the pause that is due. refused when the work must
// end now.
Result<void> tick_and_pause(const Work& work);

// all: everything that the repository lacks. small: only the files that are named.
enum class Part { all, small };

class Source {
 public:
  virtual ~Source() = default;

  // The shelf's repositories; a source that brings its own list gives that when the profile names none.
  virtual Step<std::vector<profile::Repository>> repositories() = 0;

  // The commit and the exact files, include and exclude applied. Transfers no content.
  virtual Step<Manifest> resolve(const profile::Repository& repository) = 0;

  // Can it bring a few files before the others? Then fetch() is called with the small files of every
  // repository first.
  virtual bool takes_small_first() const { return false; }

  // Does a blob have its own name only when it is whole, while others still come? Then it is hashed beside
  // them.
  virtual bool renames_when_whole() const { return false; }

  // Brings the missing blobs under their names. May leave some out; the worker looks again. Nothing is
  // verified here.
  virtual Step<void> fetch(const Manifest& manifest, const profile::Repository& repository,
                           const std::vector<File>& missing, Part part) = 0;
};

// By shelf.source; every value of profile::Source has its row.
std::unique_ptr<Source> make_source(const Work& work);

// When the cache has no room left for what is missing: held, whatever the error says; what came stays.
std::optional<Stopped> held_by_full_cache(const Work& work, const std::vector<File>& missing,
                                          const Error& error);

std::unique_ptr<Source> make_archive_source(const Work& work);
std::unique_ptr<Source> make_directory_source(const Work& work);
std::unique_ptr<Source> make_hub_source(const Work& work);

}  // namespace fettle::shelf
