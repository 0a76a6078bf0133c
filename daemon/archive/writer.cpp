#include "archive/writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "archive/entry.h"
#include "base/fd.h"

namespace fettle::archive {
namespace {

constexpr std::size_t block = 1U << 20U;
// Enough to keep up with reading from NVMe drives; each takes some 10 MiB of memory.
constexpr const char* workers = "4";

struct Free {
  void operator()(struct archive* handle) const { ::archive_write_free(handle); }
};
struct FreeEntry {
  void operator()(struct archive_entry* entry) const { ::archive_entry_free(entry); }
};

}  // namespace

struct Writer::State {
  const system::Files* files = nullptr;
  std::string path;
  std::string temporary;
  Fd fd;
  std::unique_ptr<struct archive, Free> handle;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (!fd) return;
    // Freed first: closing writes the end of the archive into the file that goes away.
    handle.reset();
    (void)files->remove(temporary);
  }

  tl::unexpected<Error> broken() const {
    const char* const text = ::archive_error_string(handle.get());
    return fail(Why::failed,
                "cannot write the archive '" + path + "': " + (text == nullptr ? "out of memory" : text),
                "is there room on that file system?");
  }

  struct Head {
    Bytes size;
    unsigned type = AE_IFREG;
    mode_t mode = 0644;
    std::string target = {};
  };

  Result<void> header(std::string_view name, const Head& head) {
    if (auto fine = check_path(name); !fine) return fine;
    const std::unique_ptr<struct archive_entry, FreeEntry> entry(::archive_entry_new());
    if (!entry) return broken();
    ::archive_entry_set_pathname(entry.get(), std::string(name).c_str());
    ::archive_entry_set_filetype(entry.get(), head.type);
    ::archive_entry_set_perm(entry.get(), head.mode);
    ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(head.size.count));
    if (!head.target.empty()) ::archive_entry_set_symlink(entry.get(), head.target.c_str());
    ::archive_entry_set_mtime(entry.get(), 0, 0);
    if (::archive_write_header(handle.get(), entry.get()) != ARCHIVE_OK) return broken();
    return {};
  }

  Result<void> data(std::string_view piece) {
    while (!piece.empty()) {
      const la_ssize_t done = ::archive_write_data(handle.get(), piece.data(), piece.size());
      if (done <= 0) return broken();
      piece.remove_prefix(static_cast<std::size_t>(done));
    }
    return {};
  }
};

Compression compression_of(std::string_view path) {
  return path.size() > 4 && path.substr(path.size() - 4) == ".zst" ? Compression::zstd : Compression::plain;
}

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Result<Writer> Writer::create(const system::Files& files, std::string_view path, Compression compression) {
  auto state = std::make_unique<State>();
  state->files = &files;
  state->path = path;
  state->temporary = std::string(path) + ".fettle-new";
  if (const auto removed = files.remove(state->temporary); !removed) return fail(removed.error());
  auto fd = files.open_at(state->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
  if (!fd) return fail(fd.error());
  state->fd = std::move(*fd);
  state->handle.reset(::archive_write_new());
  struct archive* const handle = state->handle.get();
  // pax where a name or size needs it, plain ustar everywhere else: old tars read it too.
  if (handle == nullptr || ::archive_write_set_format_pax_restricted(handle) != ARCHIVE_OK ||
      (compression == Compression::zstd && ::archive_write_add_filter_zstd(handle) != ARCHIVE_OK) ||
      ::archive_write_set_bytes_per_block(handle, static_cast<int>(block)) != ARCHIVE_OK ||
      ::archive_write_set_bytes_in_last_block(handle, 1) != ARCHIVE_OK) {
    return state->broken();
  }
  // zstd gives the same bytes for any number of workers from one on. A library that was built without them
  // says no, and goes on alone.
  if (compression == Compression::zstd)
    (void)::archive_write_set_filter_option(handle, "zstd", "threads", workers);
  if (::archive_write_open_fd(handle, state->fd.get()) != ARCHIVE_OK) return state->broken();
  return Writer(std::move(state));
}

Result<void> Writer::add_text(std::string_view name, std::string_view content, mode_t mode) {
  if (auto done = state_->header(name, {{content.size()}, AE_IFREG, mode}); !done) return done;
  return state_->data(content);
}

Result<void> Writer::add_directory(std::string_view name) {
  return state_->header(name, {{}, AE_IFDIR, 0755});
}

Result<void> Writer::add_link(std::string_view name, std::string_view target) {
  if (target.empty() || target.find('\0') != std::string_view::npos)
    return fail(Why::malformed, "cannot add the link '" + std::string(name) + "': its target is empty");
  return state_->header(name, {{}, AE_IFLNK, 0777, std::string(target)});
}

Result<void> Writer::add_file(std::string_view name, std::string_view from, Bytes size,
                              const std::function<Result<void>()>& tick) {
  const auto fd = state_->files->open_at(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return fail(fd.error());
  struct stat st {};
  if (::fstat(fd->get(), &st) != 0) return fail(cannot("read", from, errno));
  if (!S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) != size.count) {
    return fail(Why::malformed,
                "cannot add '" + std::string(from) + "': it is not a file of " + to_text(size));
  }
  if (auto done = state_->header(name, {size}); !done) return done;
  std::vector<char> buffer(block);
  std::uint64_t left = size.count;
  while (left > 0) {
    const ssize_t got = ::read(fd->get(), buffer.data(), std::min<std::uint64_t>(buffer.size(), left));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(cannot("read", from, errno));
    if (got == 0)
      return fail(Why::malformed, "cannot add '" + std::string(from) + "': it became shorter meanwhile");
    if (auto done = state_->data({buffer.data(), static_cast<std::size_t>(got)}); !done) return done;
    left -= static_cast<std::uint64_t>(got);
    if (auto go_on = tick(); !go_on) return go_on;
  }
  return {};
}

Result<void> Writer::finish() {
  State& state = *state_;
  if (::archive_write_close(state.handle.get()) != ARCHIVE_OK) return state.broken();
  if (::fsync(state.fd.get()) != 0) return fail(cannot("write the archive", state.path, errno));
  if (auto moved = state.files->rename(state.temporary, state.path); !moved) return moved;
  state.fd = Fd();
  return {};
}

}  // namespace fettle::archive
