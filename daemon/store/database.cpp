#include "store/database.h"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace fettle::store {
namespace {

constexpr int busy_milliseconds = 5000;
constexpr int corrupt_kept = 3;

tl::unexpected<Error> failed(sqlite3* handle, std::string_view doing) {
  const int code = handle == nullptr ? SQLITE_NOMEM : ::sqlite3_errcode(handle);
  const char* const text = handle == nullptr ? "out of memory" : ::sqlite3_errmsg(handle);
  Error error{Why::failed, "cannot " + std::string(doing) + ": " + text, {}};
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) error.why = Why::malformed;
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    error.why = Why::refused;
    error.hint = "another process holds the database: is a second worker running?";
  }
  if (code == SQLITE_READONLY || code == SQLITE_PERM || code == SQLITE_AUTH) error.why = Why::denied;
  if (code == SQLITE_FULL) error.hint = "free some space on the file system of the database";
  return fail(std::move(error));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  ::sqlite3_finalize(statement);
}
void Database::Close::operator()(sqlite3* handle) const {
  ::sqlite3_close_v2(handle);
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  bind_error_ |= ::sqlite3_bind_int64(statement_.get(), parameter + 1, value);
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view value) {
  // An empty view may have no data pointer, which SQLite would take for NULL.
  const char* const text = value.empty() ? "" : value.data();
  bind_error_ |= ::sqlite3_bind_text64(statement_.get(), parameter + 1, text, value.size(), SQLITE_TRANSIENT,
                                       SQLITE_UTF8);
  return *this;
}

Result<bool> Statement::next() {
  sqlite3* const handle = ::sqlite3_db_handle(statement_.get());
  if (bind_error_ != 0) return failed(handle, "hand a value to the database");
  const int code = ::sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return failed(handle, "ask the database");
}

Result<void> Statement::run() {
  const auto row = next();
  if (!row) return fail(row.error());
  return {};
}

std::int64_t Statement::number(int column) const {
  return ::sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* const text = ::sqlite3_column_text(statement_.get(), column);
  const int size = ::sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr ? std::string()
                         : std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
}

Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code =
      ::sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return failed(handle_.get(), "ask the database");
  return Statement(statement);
}

Result<void> Database::execute(std::string_view sql) const {
  if (::sqlite3_exec(handle_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return failed(handle_.get(), "change the database");
  }
  return {};
}

Result<void> Database::transaction(const std::function<Result<void>()>& work) const {
  // IMMEDIATE: the write lock is taken where waiting for it is possible, not in the middle.
  if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
  auto done = work();
  if (done) done = execute("COMMIT");
  if (!done) (void)execute("ROLLBACK");
  return done;
}

// The steps of open(), which share the file's names.
class Opener {
 public:
  Opener(const system::Files& files, std::string_view path, const Schema& schema)
      : files_(files), path_(path), sentinel_(path_ + ".present"), schema_(schema) {}

  Result<Database::Opened> open() {
    auto opened = open_once();
    if (opened || opened.error().why != Why::malformed) return opened;
    // Broken: set aside with what belongs to it, never overwritten.
    const auto aside = set_aside();
    if (!aside) return fail(aside.error());
    const std::string why = opened.error().said;
    opened = open_once();
    if (!opened) return opened;
    opened->findings.push_back({Status::fail,
                                "'" + path_ + "' was broken (" + why + "); it is kept as '" + *aside +
                                    "' and the records start empty",
                                "check the root disk; remove the file when nobody needs it"});
    return opened;
  }

 private:
  Result<Database::Opened> open_once() {
    Database::Opened opened;
    if (auto ready = prepare_file(opened.findings); !ready) return fail(ready.error());
    if (auto connected = connect(opened.database); !connected) return fail(connected.error());
    if (auto checked = check(opened); !checked) return fail(checked.error());
    if (const auto marked = files_.write(sentinel_, "a database lies beside this file\n", 0640);
        !marked && opened.database.writable_) {
      return fail(marked.error());
    }
    return opened;
  }

  // Zero bytes open without an error and look like a first start: the sentinel beside the file tells them
  // apart.
  Result<void> prepare_file(std::vector<Finding>& findings) {
    const auto known = files_.exists(sentinel_);
    if (!known) return fail(known.error());
    const auto info = files_.look(path_);
    if (info && info->kind != system::Kind::file) {
      return fail(Why::malformed, "cannot open '" + path_ + "': it is not a regular file");
    }
    if (info && info->size.count > 0) return {};
    if (info && *known) return fail(Why::malformed, "cannot open '" + path_ + "': it is empty");
    if (info) return {};  // a first start that was killed
    if (info.error().why != Why::missing) return fail(info.error());
    if (*known) {
      // Also after a crash between setting aside and starting empty; worth saying either way.
      findings.push_back(
          {Status::warn, "'" + path_ + "' was gone; the records start empty", "did somebody remove it?"});
    }
    if (auto parents = make_parents(); !parents) return parents;
    const auto made = files_.write(path_, "", 0640);
    if (!made) return fail(made.error());
    return {};
  }

  Result<void> make_parents() const {
    const std::string parent = path_.substr(0, path_.find_last_of('/'));
    const auto there = files_.exists(parent);
    if (!there) return fail(there.error());
    if (*there) return {};  // its mode is its owner's business
    const auto made = files_.make_directory(parent, 0750);
    if (!made) return fail(made.error());
    return {};
  }

  Result<void> connect(Database& database) const {
    sqlite3* handle = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX;
    // SQLite refuses links on the whole path with NOFOLLOW only in the last part; Files has looked at that
    // one too.
    const int code = ::sqlite3_open_v2(files_.host_path(path_).c_str(), &handle, flags, nullptr);
    database.handle_.reset(handle);
    if (code != SQLITE_OK) return failed(handle, "open '" + path_ + "'");
    ::sqlite3_extended_result_codes(handle, 0);
    ::sqlite3_busy_timeout(handle, busy_milliseconds);
    ::sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    return database.execute(
        "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON; PRAGMA "
        "synchronous=FULL;");
  }

  static Result<std::int64_t> pragma(const Database& database, std::string_view name) {
    auto statement = database.prepare("PRAGMA " + std::string(name));
    if (!statement) return fail(statement.error());
    const auto row = statement->next();
    if (!row) return fail(row.error());
    return *row ? statement->number(0) : 0;
  }

  Result<void> check(Database::Opened& opened) const {
    Database& database = opened.database;
    const auto id = pragma(database, "application_id");
    if (!id) return fail(id.error());
    const auto version = pragma(database, "user_version");
    if (!version) return fail(version.error());
    const auto objects = pragma(database, "page_count");
    if (!objects) return fail(objects.error());
    const auto newest = static_cast<std::int64_t>(schema_.steps.size());
    const auto ours = static_cast<std::int64_t>(schema_.application_id);
    if (*objects > 0 && (*id != ours || *version <= 0) &&
        (*id != 0 || *version != 0 || has_tables(database))) {
      return fail(Why::malformed, "cannot use '" + path_ + "': it is the database of another program");
    }
    if (auto sound = quick_check(database); !sound) return sound;
    if (*version > newest) {
      database.writable_ = false;
      opened.findings.push_back({Status::warn,
                                 "'" + path_ + "' was written by a newer fettle (records version " +
                                     std::to_string(*version) + ", known here: " + std::to_string(newest) +
                                     "); it is only read",
                                 "install the newer version again, or move the file away to start empty"});
      return database.execute("PRAGMA query_only=ON");
    }
    if (auto wal = database.execute("PRAGMA journal_mode=WAL"); !wal) return wal;
    return *version < newest ? migrate(database, *version) : Result<void>();
  }

  Result<void> quick_check(const Database& database) const {
    auto statement = database.prepare("PRAGMA quick_check(1)");
    if (!statement) return fail(statement.error());
    const auto row = statement->next();
    if (!row) return fail(row.error());
    const std::string answer = *row ? statement->text(0) : "ok";
    if (answer == "ok") return {};
    return fail(Why::malformed, "cannot use '" + path_ + "': " + answer);
  }

  static bool has_tables(const Database& database) {
    auto statement = database.prepare("SELECT count(*) FROM sqlite_schema");
    if (!statement) return true;
    const auto row = statement->next();
    return !row || !*row || statement->number(0) > 0;
  }

  Result<void> migrate(const Database& database, std::int64_t from) const {
    if (from > 0) {
      const std::string backup = path_ + ".before-" + std::to_string(schema_.steps.size());
      if (const auto removed = files_.remove(backup); !removed) return fail(removed.error());
      auto copy = database.prepare("VACUUM INTO ?");
      if (!copy) return fail(copy.error());
      if (auto copied = copy->bind(0, files_.host_path(backup)).run(); !copied) return copied;
    }
    return database.transaction([&]() -> Result<void> {
      for (auto step = static_cast<std::size_t>(from); step < schema_.steps.size(); ++step) {
        if (auto done = database.execute(schema_.steps[step]); !done) return done;
      }
      return database.execute("PRAGMA application_id=" + std::to_string(schema_.application_id) +
                              "; PRAGMA user_version=" + std::to_string(schema_.steps.size()));
    });
  }

  // Gives the name it has now.
  Result<std::string> set_aside() const {
    const auto slash = path_.find_last_of('/');
    const std::string parent = path_.substr(0, slash);
    const std::string prefix = path_.substr(slash + 1) + ".corrupt-";
    const auto names = files_.list(parent);
    if (!names) return fail(names.error());
    std::vector<int> numbers;
    for (const std::string& name : *names) {
      if (name.rfind(prefix, 0) != 0) continue;
      if (const auto number = to_number<int>(std::string_view(name).substr(prefix.size())))
        numbers.push_back(*number);
    }
    std::sort(numbers.begin(), numbers.end());
    const int next = numbers.empty() ? 1 : numbers.back() + 1;
    const std::string aside = path_ + ".corrupt-" + std::to_string(next);
    // The log of a broken file would be played into the new one.
    for (const char* const tail : {"-wal", "-shm"}) {
      const auto there = files_.exists(path_ + tail);
      if (!there) return fail(there.error());
      if (!*there) continue;
      if (auto moved = files_.rename(path_ + tail, aside + tail); !moved) return fail(moved.error());
    }
    if (auto moved = files_.rename(path_, aside); !moved) return fail(moved.error());
    if (const auto removed = files_.remove(sentinel_); !removed) return fail(removed.error());
    for (std::size_t i = 0; i + corrupt_kept <= numbers.size(); ++i) {
      for (const char* const tail : {"", "-wal", "-shm"}) {
        (void)files_.remove(path_ + ".corrupt-" + std::to_string(numbers[i]) + tail);
      }
    }
    return aside;
  }

  const system::Files& files_;
  std::string path_;
  std::string sentinel_;
  const Schema& schema_;
};

Result<Database::Opened> Database::open(const system::Files& files, std::string_view path,
                                        const Schema& schema) {
  return Opener(files, path, schema).open();
}

}  // namespace fettle::store
