// Ahead: hashes the blobs that have come while the others are still on their way, on a thread of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "shelf/verify.h"

namespace fettle::shelf {

class Ahead {
 public:
  // `files` outlives it. 0 threads: a quarter of the cores, because the client needs them too.
  Ahead(const system::Files& files, unsigned threads);
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;
  ~Ahead();

  // A file that will not change any more. The second time it is ignored.
  void add(const Wanted& wanted);
  bool has(const std::string& name) const { return added_.contains(name); }

  struct Found {
    std::string name;
    Checked checked;
  };
  // What was found since the last time. A file that could not be read is in no list: whoever looks at it next
  // tells why.
  std::vector<Found> take();

  // Nothing new is begun; true when nothing is in work any more. What was added may be added again then.
  bool rest();

 private:
  void work();
  void hash(const std::vector<Wanted>& batch);
  void stop();

  const system::Files& files_;
  const unsigned threads_;
  std::set<std::string> added_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Wanted> queue_;
  std::vector<Found> found_;
  enum class Work { none, hashing } now_ = Work::none;
  enum class Wish { go_on, stop } wish_ = Wish::go_on;
  std::thread thread_;  // none before the first file
};

}  // namespace fettle::shelf
