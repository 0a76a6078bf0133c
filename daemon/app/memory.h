// Memory: what the daemon remembers over restarts: events, the ledger of boots, how shelves grew. And
// Recorder, the thread on which it writes, because a commit waits for the root disk and the loop must not.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/finding.h"
#include "store/acknowledgements.h"
#include "store/events.h"
#include "store/growth.h"
#include "store/ledger.h"
#include "system/files.h"

namespace fettle::app {

// What is new to be remembered; nothing at all asks for what is known.
struct News {
  std::vector<store::Event> events;  // without ids
  store::Boot boot;                  // with the stages reached just now; an empty id = the boot is not known
  std::optional<std::vector<store::Acknowledgement>> acknowledgements;  // all of them, when one changed
  std::optional<std::vector<store::Growth>> growth;                     // all of it, when there is more
};

struct Remembered {
  std::vector<store::Event> events;  // at the first time the newest ones, then those of the news, with ids
  std::vector<store::Boot> boots;    // newest first
  std::optional<store::Boot> first;  // the oldest with the cache of this boot
  std::optional<std::vector<store::Acknowledgement>> acknowledgements;  // at the first time: those kept
  std::optional<std::vector<store::Growth>> growth;                     // the same
  std::optional<Finding> trouble;                                       // why something will be forgotten
};

class Memory {
 public:
  // `path` is a database of ours, made when there is none. Nothing is opened before the first call.
  Memory(const system::Files& files, std::string path) : files_(files), path_(std::move(path)) {}

  // Blocks as long as the disk does. What cannot be written is still given back, with ids that go on
  // counting, and is forgotten at the next start: the events of a full root disk are worth reading.
  Remembered operator()(const News& news);

 private:
  bool open();
  Result<void> write(const News& news, std::vector<store::Event>& events);

  const system::Files& files_;
  std::string path_;
  std::optional<store::Database> database_;
  std::optional<Finding> trouble_;
  std::int64_t last_id_ = 0;
  bool is_first_ = true;
  std::vector<store::Boot> unwritten_;  // at most this boot
  std::string generation_;              // of this boot's cache, once it was told
};

// Runs `remember` for each piece of news, one after the other, on a thread of its own.
class Recorder {
 public:
  using Remember = std::function<Remembered(const News&)>;
  using Done = std::function<void(Remembered)>;

  // `done` is called on the recorder's thread.
  Recorder(Remember remember, Done done);
  ~Recorder();  // writes what is waiting, and waits for that
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void push(News news);

  // A write that hangs in the kernel cannot be waited for.
  bool is_busy() const;

 private:
  void run();

  Remember remember_;
  Done done_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<News> waiting_;
  bool is_working_ = false;
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace fettle::app
