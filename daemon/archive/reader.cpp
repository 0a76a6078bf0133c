#include "archive/reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "base/fd.h"

namespace fettle::archive {
namespace {

constexpr std::size_t block = 1U << 20U;
constexpr std::uint64_t ratio_from = 64U << 20U;

struct Free {
  void operator()(struct archive* handle) const { ::archive_read_free(handle); }
};

}  // namespace

struct Reader::State {
  Fd fd;  // outlives the handle that reads from it
  std::unique_ptr<struct archive, Free> handle;
  std::string path;
  Limits limits;
  std::uint64_t entries = 0;
  Bytes read;
  std::vector<char> buffer;

  tl::unexpected<Error> broken(std::string_view because) const {
    return fail(Why::malformed, "cannot read the archive '" + path + "': " + std::string(because),
                "is it complete, and was it made by `fettle shelf export`?");
  }

  tl::unexpected<Error> broken_by_library() const {
    const char* const text = ::archive_error_string(handle.get());
    return broken(text == nullptr ? "it is damaged" : text);
  }

  // A few KiB that become terabytes are an attack or a mistake; both end here.
  Result<void> count(std::size_t bytes) {
    read += {bytes};
    if (read > limits.total) return broken("it holds more than " + to_text(limits.total));
    const auto packed =
        static_cast<std::uint64_t>(std::max<la_int64_t>(1, ::archive_filter_bytes(handle.get(), -1)));
    if (read.count > ratio_from && read.count / packed > limits.ratio) {
      return broken("its content is more than " + std::to_string(limits.ratio) + " times as large as itself");
    }
    return {};
  }
};

Reader::Reader(std::unique_ptr<State> state) : state_(std::move(state)) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

Result<Reader> Reader::open(const system::Files& files, std::string_view path, const Limits& limits) {
  auto state = std::make_unique<State>();
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  auto fd = files.open_at(path, O_RDONLY | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  struct stat st {};
  if (::fstat(fd->get(), &st) != 0) return fail(cannot("read the archive", path, errno));
  state->fd = std::move(*fd);
  state->handle.reset(::archive_read_new());
  state->path = path;
  state->limits = limits;
  state->buffer.resize(block);
  struct archive* const handle = state->handle.get();
  if (handle == nullptr) return fail(cannot("read the archive", path, ENOMEM));
  if (!S_ISREG(st.st_mode)) return state->broken("it is not a regular file");
  // Not ARCHIVE_OK also means "would run a program for it": that door is closed.
  if (::archive_read_support_format_tar(handle) != ARCHIVE_OK ||
      ::archive_read_support_filter_gzip(handle) != ARCHIVE_OK ||
      ::archive_read_support_filter_zstd(handle) != ARCHIVE_OK) {
    return state->broken("libarchive was built without tar, gzip or zstd");
  }
  if (::archive_read_open_fd(handle, state->fd.get(), block) != ARCHIVE_OK) return state->broken_by_library();
  return Reader(std::move(state));
}

Result<std::optional<Entry>> Reader::next() {
  State& state = *state_;
  struct archive_entry* raw = nullptr;
  const int code = ::archive_read_next_header(state.handle.get(), &raw);
  if (code == ARCHIVE_EOF) return std::nullopt;
  if (code != ARCHIVE_OK) return state.broken_by_library();
  if (++state.entries > state.limits.entries) {
    return state.broken("it holds more than " + std::to_string(state.limits.entries) + " entries");
  }
  const char* const name = ::archive_entry_pathname(raw);
  if (name == nullptr) return state.broken("an entry has no readable name");
  Entry entry;
  entry.path = name;
  const auto type = ::archive_entry_filetype(raw);
  if (type == AE_IFDIR) {
    while (entry.path.size() > 1 && entry.path.back() == '/') entry.path.pop_back();
  }
  if (auto fine = check_path(entry.path); !fine)
    return fail(while_doing("read the archive '" + state.path + "'", fine.error()));
  if (::archive_entry_hardlink(raw) != nullptr) return state.broken("'" + entry.path + "' is a hard link");
  if (type == AE_IFREG) {
    if ((::archive_entry_perm(raw) & (S_ISUID | S_ISGID)) != 0)
      return state.broken("'" + entry.path + "' is setuid or setgid");
    const la_int64_t size = ::archive_entry_size(raw);
    if (size < 0 || ::archive_entry_size_is_set(raw) == 0)
      return state.broken("'" + entry.path + "' has no size");
    entry.size = {static_cast<std::uint64_t>(size)};
    if (entry.size > state.limits.total) return state.broken("'" + entry.path + "' is larger than the limit");
  } else if (type == AE_IFDIR) {
    entry.kind = EntryKind::directory;
  } else if (type == AE_IFLNK) {
    entry.kind = EntryKind::link;
    const char* const target = ::archive_entry_symlink(raw);
    entry.target = target == nullptr ? "" : target;
    if (auto fine = check_link(entry.path, entry.target); !fine) {
      return fail(while_doing("read the archive '" + state.path + "'", fine.error()));
    }
  } else {
    return state.broken("'" + entry.path + "' is neither a file, a directory nor a symbolic link");
  }
  return entry;
}

Result<void> Reader::content(const Take& take) {
  State& state = *state_;
  while (true) {
    const la_ssize_t got = ::archive_read_data(state.handle.get(), state.buffer.data(), state.buffer.size());
    if (got < 0) return state.broken_by_library();
    if (got == 0) return {};
    const auto size = static_cast<std::size_t>(got);
    if (auto counted = state.count(size); !counted) return counted;
    if (auto taken = take({state.buffer.data(), size}); !taken) return taken;
  }
}

Result<std::string> Reader::text(Bytes limit) {
  std::string all;
  auto done = content([&](std::string_view piece) -> Result<void> {
    if (all.size() + piece.size() > limit.count)
      return state_->broken("a text in it is larger than " + to_text(limit));
    all += piece;
    return {};
  });
  if (!done) return fail(done.error());
  return all;
}

}  // namespace fettle::archive
