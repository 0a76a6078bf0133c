#include "shelf/ahead.h"

#include <algorithm>
#include <utility>

namespace fettle::shelf {
namespace {

unsigned threads_of(unsigned threads) {
  constexpr unsigned most = 4;  // 6 GB/s and more: no line is faster
  return threads > 0 ? threads : std::clamp(std::thread::hardware_concurrency() / 4, 1U, most);
}

}  // namespace

Ahead::Ahead(const system::Files& files, unsigned threads) : files_(files), threads_(threads_of(threads)) {}

Ahead::~Ahead() {
  stop();
}

void Ahead::add(const Wanted& wanted) {
  if (!added_.insert(wanted.name).second) return;
  const std::lock_guard lock(mutex_);
  queue_.push_back(wanted);
  changed_.notify_one();
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
}

std::vector<Ahead::Found> Ahead::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(found_, {});
}

bool Ahead::rest() {
  const std::lock_guard lock(mutex_);
  queue_.clear();
  if (now_ == Work::hashing) return false;
  added_.clear();
  return true;
}

void Ahead::work() {
  // Two files a thread are hashed at a time. No longer batches: whoever waits for the end waits for one.
  const std::size_t most = 2 * std::size_t{threads_};
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return wish_ == Wish::stop || !queue_.empty(); });
    if (wish_ == Wish::stop) return;
    std::vector<Wanted> batch;
    for (; !queue_.empty() && batch.size() < most; queue_.pop_front())
      batch.push_back(std::move(queue_.front()));
    now_ = Work::hashing;
    lock.unlock();
    hash(batch);
    lock.lock();
    now_ = Work::none;
  }
}

void Ahead::hash(const std::vector<Wanted>& batch) {
  Listener listener;
  listener.checked = [&](const Checked& checked) -> Result<void> {
    const std::lock_guard lock(mutex_);
    found_.push_back({batch[checked.index].name, checked});
    return {};
  };
  listener.tick = [&](Bytes) -> Result<void> {
    const std::lock_guard lock(mutex_);
    return wish_ == Wish::go_on ? Result<void>() : fail(Why::refused, "cannot go on: it was stopped", {});
  };
  // An error ends the batch; its files are read once more by whoever asks whether they are right.
  (void)verify(files_, batch, {threads_}, listener);
}

void Ahead::stop() {
  {
    const std::lock_guard lock(mutex_);
    wish_ = Wish::stop;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace fettle::shelf
