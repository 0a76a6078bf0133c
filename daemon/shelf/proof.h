// Proof: every blob of a repository has the content that its name says, or is put aside and fetched again.
#pragma once

#include <vector>

#include "shelf/ahead.h"
#include "shelf/brakes.h"
#include "shelf/course.h"

namespace fettle::shelf {

class Proof {
 public:
  Proof(const system::System& system, const Options& options, const Layout& layout, Course& course,
        Brakes& brakes)
      : system_(system),
        options_(options),
        layout_(layout),
        course_(course),
        brakes_(brakes),
        ahead_(system.files, options.verify_threads) {}

  // While the repository still comes: hashes what is whole, beside it. Called about once a second.
  Result<void> look_ahead(const Item& item);

  // Hashes what was not verified yet; gives the blobs that are wrong.
  Result<std::vector<File>> damaged(Item& item);

  // Puts them aside. The item enters `corrupt`, or is stopped when a second copy was wrong too.
  Result<void> set_aside(Item& item, const std::vector<File>& damaged);

  // The repository is good: its damage and the copies that were put aside are forgotten.
  Result<void> forget_damage(const Item& item);

 private:
  Result<void> remember_ahead(const Item& item);
  // Until what is in work beside us has ended, so that no file is read twice.
  Result<void> end_ahead(const Item& item);

  const system::System& system_;
  const Options& options_;
  const Layout& layout_;
  Course& course_;
  Brakes& brakes_;
  Ahead ahead_;
};

}  // namespace fettle::shelf
