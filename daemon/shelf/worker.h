// Worker: takes one shelf from wanted to ready, repository by repository.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <vector>

#include "shelf/brakes.h"
#include "shelf/course.h"
#include "shelf/pace.h"
#include "shelf/proof.h"
#include "shelf/source.h"

namespace fettle::shelf {

class Worker {
 public:
  // `directory_mode`: of the directories that it makes. All references outlive it.
  Worker(const system::System& system, const profile::Profile& profile, const profile::Shelf& shelf,
         const Options& options, const Layout& layout, mode_t directory_mode, Jobs jobs, Report report);

  // What stage() promises, when the shelf is locked and its records are open.
  Result<Report> run();

 private:
  // In these an error is one of ours (database, cache); what a source says ends in the item.
  Result<void> work();
  Result<void> begin();
  Result<void> resolve();
  Result<void> admit_all();
  Result<void> fetch_small_files();
  Result<void> bring(Item& item);
  Result<void> fetch(Item& item, const std::vector<File>& files, Part part);
  // Before the hub is asked for the first time; returns early when the work must stop.
  void wait_for_turn();
  // What was resolved earlier, for a source that is gone.
  std::optional<std::vector<profile::Repository>> known_repositories() const;
  Bytes tick();

  const system::System& system_;
  const profile::Profile& profile_;
  const profile::Shelf& shelf_;
  const Layout& layout_;
  mode_t directory_mode_;
  Course course_;
  Brakes brakes_;
  Pace pace_;
  Proof proof_;
  std::optional<std::vector<Manifest>> locked_;  // when there is a lock: what belongs to the shelf
  std::unique_ptr<Source> source_;
  enum class Waited { no, yes };
  Waited waited_ = Waited::no;
};

}  // namespace fettle::shelf
