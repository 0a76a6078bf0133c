#include "shelf/verify.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>

#include "shelf/sha256_pair.h"
#include "shelf/verify_hash.h"
#include "system/stream_reader.h"

namespace fettle::shelf {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr unsigned most_threads = 16;

// The whole file through OpenSSL; nothing when `hashed` said no.
Result<std::optional<std::string>> hash_rest(system::StreamReader& reader, HashKind kind, Bytes size,
                                             const std::function<bool(Bytes)>& hashed) {
  Hash hash(kind, size);
  while (true) {
    const auto piece = reader.next();
    if (!piece) return fail(piece.error());
    if (piece->empty()) break;
    hash.add(*piece);
    if (!hashed({piece->size()})) return std::optional<std::string>();
  }
  if (auto same = reader.check_unchanged(); !same) return fail(same.error());
  auto hex = hash.hex();
  if (!hex) return fail(hex.error());
  return std::optional<std::string>(std::move(*hex));
}

// One file in work.
struct Lane {
  system::StreamReader reader;
  std::optional<Checked> checked;  // nothing when no file is in work
  std::string_view piece;          // read and not hashed yet
  Sha256Stream stream;
};

// The threads and what they share.
class Pool {
 public:
  Pool(const system::Files& files, const std::vector<Wanted>& wanted, const Effort& effort)
      : files_(files), wanted_(wanted), effort_(effort), order_(wanted.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(),
                     [&](std::size_t a, std::size_t b) { return wanted_[a].size > wanted_[b].size; });
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { stop(); }

  void start(unsigned threads) {
    // With fewer files than threads a second file on one thread would leave another without any.
    width_ = has_sha_instructions() && wanted_.size() > threads ? 2 : 1;
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }

  // Waits a moment for the next result.
  std::optional<Result<Checked>> take() {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, 100ms, [&] { return !results_.empty(); });
    if (results_.empty()) return std::nullopt;
    auto result = std::move(results_.front());
    results_.pop_front();
    return result;
  }

  Bytes hashed() const { return {hashed_}; }

 private:
  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  void work() {
    system::set_urgency(effort_.urgency);
    std::array<Lane, 2> lanes;
    while (!stopping_) {
      bool any = false;
      for (std::size_t i = 0; i < width_; ++i) any = supply(lanes[i]) || any;
      if (!any) return;
      advance(lanes[0], lanes[1]);
    }
  }

  void deliver(Result<Checked> result) {
    if (stopping_) return;
    const std::lock_guard lock(mutex_);
    results_.push_back(std::move(result));
    arrived_.notify_one();
  }

  // Sees that the lane has bytes to hash, with the next file when one has ended. False when there is none.
  bool supply(Lane& lane) {
    while (!stopping_) {
      if (!lane.checked && !begin(lane)) return false;
      if (!lane.checked) continue;
      if (!lane.piece.empty()) return true;
      const auto piece = lane.reader.next();
      if (piece && !piece->empty()) {
        lane.piece = *piece;
        return true;
      }
      finish(lane, piece ? Result<void>() : fail(piece.error()));
    }
    return false;
  }

  // False when every file was taken. What needs no second lane is done here at once: then the lane stays
  // free.
  bool begin(Lane& lane) {
    const std::size_t next = next_++;
    if (next >= order_.size()) return false;
    Checked checked;
    checked.index = order_[next];
    const Wanted& wanted = wanted_[checked.index];
    const auto info = lane.reader.open(files_, wanted.path);
    if (!info) {
      deliver(fail(info.error()));
      return true;
    }
    checked.info = *info;
    // The wrong size needs no reading.
    if (info->size != wanted.size) {
      deliver(checked);
      return true;
    }
    const HashKind kind = hash_kind_of(wanted.name);
    if (kind == HashKind::sha256 && width_ == 2) {
      lane.checked = checked;
      lane.piece = {};
      lane.stream = {};
      return true;
    }
    const auto found =
        hash_rest(lane.reader, kind, wanted.size, [this](Bytes bytes) { return count(bytes); });
    if (!found) {
      deliver(fail(found.error()));
    } else if (*found) {
      checked.same = **found == wanted.name;
      deliver(checked);
    }
    return true;
  }

  void finish(Lane& lane, Result<void> read) {
    Checked checked = *lane.checked;
    lane.checked.reset();
    if (read) read = lane.reader.check_unchanged();
    if (!read) return deliver(fail(read.error()));
    checked.same = lane.stream.hex() == wanted_[checked.index].name;
    deliver(checked);
  }

  void advance(Lane& a, Lane& b) {
    if (a.checked && b.checked) {
      const std::size_t both = std::min(a.piece.size(), b.piece.size());
      Sha256Stream::add_both(a.stream, a.piece.substr(0, both), b.stream, b.piece.substr(0, both));
      a.piece.remove_prefix(both);
      b.piece.remove_prefix(both);
      count({2 * both});
      return;
    }
    Lane& one = a.checked ? a : b;
    one.stream.add(one.piece);
    const Bytes done{one.piece.size()};
    one.piece = {};
    count(done);
  }

  // False when it is time to stop. Waits when the rate asks for it.
  bool count(Bytes bytes) {
    hashed_ += bytes.count;
    while (!stopping_) {
      const auto passed = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun_);
      const milliseconds pause = pause_of({hashed_}, effort_.rate, passed);
      if (pause.count() == 0) break;
      std::this_thread::sleep_for(std::min(pause, milliseconds(100)));
    }
    return !stopping_;
  }

  const system::Files& files_;
  const std::vector<Wanted>& wanted_;
  const Effort& effort_;
  std::vector<std::size_t> order_;  // of `wanted_`, the largest first
  std::size_t width_ = 1;           // files that a thread has in work
  std::vector<std::thread> threads_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::atomic<std::size_t> next_{0};
  std::atomic<std::uint64_t> hashed_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Result<Checked>> results_;
};

}  // namespace

Result<std::string> digest(const system::Files& files, std::string_view path, std::size_t hex_digits,
                           const std::function<bool(Bytes)>& hashed) {
  system::StreamReader reader;
  const auto info = reader.open(files, path);
  if (!info) return fail(info.error());
  auto found = hash_rest(reader, hex_digits == 64 ? HashKind::sha256 : HashKind::git, info->size, hashed);
  if (!found) return fail(found.error());
  if (!*found)
    return fail(Why::refused, "cannot verify '" + std::string(path) + "': it was stopped on request");
  return std::move(**found);
}

milliseconds pause_of(Bytes hashed, Bytes rate, milliseconds passed) {
  if (rate.count == 0) return {};
  const auto due =
      static_cast<std::int64_t>(static_cast<double>(hashed.count) / static_cast<double>(rate.count) * 1e3);
  return std::max(milliseconds(0), milliseconds(due) - passed);
}

Result<void> verify(const system::Files& files, const std::vector<Wanted>& wanted, const Effort& effort,
                    const Listener& listener) {
  if (wanted.empty()) return {};
  unsigned threads = effort.threads;
  if (threads == 0) threads = std::clamp(std::thread::hardware_concurrency(), 1U, most_threads);
  threads = static_cast<unsigned>(std::min<std::size_t>(threads, wanted.size()));
  Pool pool(files, wanted, effort);
  pool.start(threads);
  for (std::size_t left = wanted.size(); left > 0;) {
    const auto result = pool.take();
    if (result) {
      if (!*result) return fail(result->error());
      if (auto heard = listener.checked(**result); !heard) return heard;
      --left;
    }
    if (auto go_on = listener.tick(pool.hashed()); !go_on) return go_on;
  }
  return {};
}

}  // namespace fettle::shelf
