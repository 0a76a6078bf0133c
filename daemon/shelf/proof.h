// Proof: every blob of a repository has the content that its name says, or is put aside and fetched again.
#pragma once

#include <vector>

#include "shelf/brakes.h"
#include "shelf/course.h"

namespace fettle::shelf {

class Proof {
 public:
  Proof(const system::System& system, const Options& options, const Layout& layout, Course& course,
        Brakes& brakes)
      : system_(system), options_(options), layout_(layout), course_(course), brakes_(brakes) {}

  // Hashes what was not verified yet; gives the blobs that are wrong.
  Result<std::vector<File>> damaged(Item& item);

  // Puts them aside. The item enters `corrupt`, or is stopped when a second copy was wrong too.
  Result<void> set_aside(Item& item, const std::vector<File>& damaged);

  // The repository is good: its damage and the copies that were put aside are forgotten.
  Result<void> forget_damage(const Item& item);

 private:
  const system::System& system_;
  const Options& options_;
  const Layout& layout_;
  Course& course_;
  Brakes& brakes_;
};

}  // namespace fettle::shelf
