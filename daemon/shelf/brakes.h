// Brakes: why a worker must stop in the middle: an operator's order, or a cache that others have filled.
#pragma once

#include <chrono>
#include <optional>

#include "shelf/source.h"

namespace fettle::shelf {

class Brakes {
 public:
  Brakes(const system::System& system, const profile::Profile& profile, const profile::Shelf& shelf,
         const Layout& layout)
      : system_(system), profile_(profile), shelf_(shelf), layout_(layout) {}

  // Before any work: a shelf that is held is not begun; an order to cancel that came when nobody worked is
  // over.
  Result<void> look_at_start();
  // In the middle, about once a second.
  Result<void> look();
  // Admission counted what was free then; others write too.
  void keep_reserve();
  // Outside of the shelf's hours nothing is fetched.
  void keep_hours();

  // Why everything ends now, or nothing. Once set it stays.
  const std::optional<Stopped>& stop() const { return stop_; }

 private:
  void stop_with(const std::string& because, const std::string& hint, std::chrono::seconds retry_after);

  const system::System& system_;
  const profile::Profile& profile_;
  const profile::Shelf& shelf_;
  const Layout& layout_;
  std::optional<Stopped> stop_;
};

}  // namespace fettle::shelf
