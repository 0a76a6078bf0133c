#include "shelf/verify.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace fettle::shelf {
namespace {

using namespace std::chrono_literals;

// 1 MiB: larger reads were not faster in the page cache, and it fits the second-level cache of the cores we
// have.
constexpr std::size_t block = 1U << 20U;
constexpr unsigned most_threads = 16;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
};

bool is_unchanged(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

class Hash {
 public:
  explicit Hash(std::size_t hex_digits) : context_(::EVP_MD_CTX_new()) {
    fine_ = context_ && ::EVP_DigestInit_ex(context_.get(), hex_digits == 64 ? ::EVP_sha256() : ::EVP_sha1(),
                                            nullptr) == 1;
  }

  void add(std::string_view bytes) {
    fine_ = fine_ && ::EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }

  std::optional<std::string> hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
    unsigned length = 0;
    if (!fine_ || ::EVP_DigestFinal_ex(context_.get(), raw.data(), &length) != 1) return std::nullopt;
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < length; ++i) {
      text += digits[raw[i] >> 4U];
      text += digits[raw[i] & 15U];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, FreeContext> context_;
  bool fine_ = false;
};

// The threads and what they share.
class Pool {
 public:
  Pool(const system::Files& files, const std::vector<Wanted>& wanted) : files_(files), wanted_(wanted) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { stop(); }

  void start(unsigned threads) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  }

  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
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
  void work() {
    while (!stopping_) {
      const std::size_t index = next_++;
      if (index >= wanted_.size()) return;
      auto result = check(index);
      if (stopping_) return;
      const std::lock_guard lock(mutex_);
      results_.push_back(std::move(result));
      arrived_.notify_one();
    }
  }

  Result<Checked> check(std::size_t index) {
    const Wanted& wanted = wanted_[index];
    Checked checked;
    checked.index = index;
    const auto info = files_.look(wanted.path);
    if (!info) return fail(info.error());
    checked.info = *info;
    // The wrong size needs no reading.
    if (info->size != wanted.size) return checked;
    const auto found = digest(files_, wanted.path, wanted.name.size(), [this](Bytes bytes) {
      hashed_ += bytes.count;
      return !stopping_;
    });
    if (!found) return fail(found.error());
    checked.same = *found == wanted.name;
    return checked;
  }

  const system::Files& files_;
  const std::vector<Wanted>& wanted_;
  std::vector<std::thread> threads_;
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
  const auto fd = files.open_at(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  struct stat before {};
  if (::fstat(fd->get(), &before) != 0) return fail(cannot("verify", path, errno));
  if (!S_ISREG(before.st_mode))
    return fail(Why::malformed, "cannot verify '" + std::string(path) + "': it is not a regular file");
  ::posix_fadvise(fd->get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  Hash hash(hex_digits);
  if (hex_digits == 40) {
    hash.add("blob " + std::to_string(before.st_size));
    hash.add(std::string_view("\0", 1));
  }
  std::vector<char> buffer(block);
  // One that keeps growing must not be read for ever.
  for (std::uint64_t total = 0; total <= static_cast<std::uint64_t>(before.st_size);) {
    const ssize_t got = ::read(fd->get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(cannot("verify", path, errno, "is the drive below the cache failing? see the kernel log"));
    if (got == 0) break;
    total += static_cast<std::uint64_t>(got);
    hash.add({buffer.data(), static_cast<std::size_t>(got)});
    if (!hashed({static_cast<std::uint64_t>(got)})) {
      return fail(Why::refused, "cannot verify '" + std::string(path) + "': it was stopped on request");
    }
  }
  struct stat after {};
  if (::fstat(fd->get(), &after) != 0) return fail(cannot("verify", path, errno));
  if (!is_unchanged(before, after)) {
    return fail(Why::refused, "cannot verify '" + std::string(path) + "': it changed while it was read",
                "does another program download into this cache? run it again when that has ended");
  }
  // Weights that a server has mapped must not be pushed out by ours.
  ::posix_fadvise(fd->get(), 0, 0, POSIX_FADV_DONTNEED);
  auto text = hash.hex();
  if (!text) return fail(Why::failed, "cannot verify '" + std::string(path) + "': OpenSSL refused the hash");
  return *text;
}

Result<void> verify(const system::Files& files, const std::vector<Wanted>& wanted, unsigned threads,
                    const Listener& listener) {
  if (wanted.empty()) return {};
  if (threads == 0) threads = std::clamp(std::thread::hardware_concurrency(), 1U, most_threads);
  threads = static_cast<unsigned>(std::min<std::size_t>(threads, wanted.size()));
  Pool pool(files, wanted);
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
