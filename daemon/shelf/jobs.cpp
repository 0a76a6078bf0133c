#include "shelf/jobs.h"

#include <algorithm>
#include <array>

#include "base/names.h"
#include "store/events.h"

namespace fettle::shelf {
namespace {

// Steps are never edited: a changed table is a new step.
constexpr std::array<std::string_view, 2> steps{
    "CREATE TABLE jobs (shelf TEXT PRIMARY KEY, state TEXT NOT NULL, says TEXT NOT NULL, changed_at INTEGER "
    "NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE repositories (number INTEGER PRIMARY KEY, shelf TEXT NOT NULL REFERENCES jobs ON DELETE "
    "CASCADE,"
    " want TEXT NOT NULL, id TEXT NOT NULL, revision TEXT NOT NULL, ref TEXT NOT NULL, state TEXT NOT NULL,"
    " UNIQUE (shelf, want)) STRICT;"
    "CREATE TABLE files (repository INTEGER NOT NULL REFERENCES repositories ON DELETE CASCADE, path TEXT "
    "NOT NULL,"
    " size INTEGER NOT NULL, blob TEXT NOT NULL, PRIMARY KEY (repository, path)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE verified (device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,"
    " modified_ns INTEGER NOT NULL, blob TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (device, inode))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE damage (id TEXT NOT NULL, blob TEXT NOT NULL, times INTEGER NOT NULL, PRIMARY KEY (id, "
    "blob))"
    " STRICT, WITHOUT ROWID;",
    store::events_step,
};
constexpr store::Schema schema{0x66747368, steps};  // "ftsh"

std::int64_t nanoseconds(const system::Info& info) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(info.modified.time_since_epoch()).count();
}

}  // namespace

std::string want_of(const profile::Repository& repository) {
  std::string want = repository.id + "@" + repository.revision;
  for (const std::string& pattern : repository.include) want += "\n+" + pattern;
  for (const std::string& pattern : repository.exclude) want += "\n-" + pattern;
  return want;
}

Result<Jobs::Opened> Jobs::open(const system::Files& files, const system::Clock& clock) {
  auto opened = store::Database::open(files, names::stage_state, schema);
  if (!opened) return fail(opened.error());
  return Opened{Jobs(std::move(opened->database), clock), std::move(opened->findings)};
}

std::int64_t Jobs::seconds() const {
  return std::chrono::duration_cast<std::chrono::seconds>(clock_->now().time_since_epoch()).count();
}

Result<std::optional<State>> Jobs::state(std::string_view shelf) const {
  auto query = database_.prepare("SELECT state FROM jobs WHERE shelf = ?");
  if (!query) return fail(query.error());
  const auto row = query->bind(0, shelf).next();
  if (!row) return fail(row.error());
  return *row ? state_of(query->text(0)) : std::optional<State>();
}

Result<void> Jobs::set_state(std::string_view shelf, State state, std::string_view says) const {
  return database_.transaction([&]() -> Result<void> {
    auto change = database_.prepare(
        "INSERT INTO jobs (shelf, state, says, changed_at) VALUES (?, ?, ?, ?) ON CONFLICT (shelf) DO UPDATE "
        "SET"
        " state = excluded.state, says = excluded.says, changed_at = excluded.changed_at");
    if (!change) return fail(change.error());
    if (auto done = change->bind(0, shelf).bind(1, to_text(state)).bind(2, says).bind(3, seconds()).run();
        !done) {
      return done;
    }
    std::string event(to_text(state));
    if (!says.empty()) event.append(": ").append(says);
    return store::add_event(database_, clock_->now(), "shelf." + std::string(shelf), event);
  });
}

Result<std::vector<std::string>> Jobs::shelves() const {
  auto query = database_.prepare("SELECT shelf FROM jobs ORDER BY shelf");
  if (!query) return fail(query.error());
  std::vector<std::string> all;
  while (true) {
    const auto row = query->next();
    if (!row) return fail(row.error());
    if (!*row) return all;
    all.push_back(query->text(0));
  }
}

Result<void> Jobs::forget_shelf(std::string_view shelf) const {
  return database_.transaction([&]() -> Result<void> {
    // The files of its repositories go with them.
    for (const char* statement :
         {"DELETE FROM repositories WHERE shelf = ?", "DELETE FROM jobs WHERE shelf = ?"}) {
      auto remove = database_.prepare(statement);
      if (!remove) return fail(remove.error());
      if (auto done = remove->bind(0, shelf).run(); !done) return done;
    }
    return store::add_event(database_, clock_->now(), "shelf." + std::string(shelf), "removed");
  });
}

Result<std::optional<Manifest>> Jobs::manifest(std::string_view shelf, std::string_view want) const {
  auto query =
      database_.prepare("SELECT number, id, revision, ref FROM repositories WHERE shelf = ? AND want = ?");
  if (!query) return fail(query.error());
  const auto row = query->bind(0, shelf).bind(1, want).next();
  if (!row) return fail(row.error());
  if (!*row) return std::optional<Manifest>();
  Manifest manifest{query->text(1), query->text(2), query->text(3), {}};
  auto list = database_.prepare("SELECT path, size, blob FROM files WHERE repository = ? ORDER BY path");
  if (!list) return fail(list.error());
  list->bind(0, query->number(0));
  while (true) {
    const auto more = list->next();
    if (!more) return fail(more.error());
    if (!*more) break;
    manifest.files.push_back({list->text(0), {static_cast<std::uint64_t>(list->number(1))}, list->text(2)});
  }
  // The database is ours, but these names become paths: looked at again each time.
  if (auto fine = check(manifest); !fine) return fail(fine.error());
  return manifest;
}

Result<std::vector<Manifest>> Jobs::manifests(std::string_view shelf) const {
  auto query = database_.prepare("SELECT want FROM repositories WHERE shelf = ? ORDER BY number");
  if (!query) return fail(query.error());
  query->bind(0, shelf);
  std::vector<Manifest> all;
  while (true) {
    const auto row = query->next();
    if (!row) return fail(row.error());
    if (!*row) return all;
    auto one = manifest(shelf, query->text(0));
    if (!one) return fail(one.error());
    if (*one) all.push_back(std::move(**one));
  }
}

Result<void> Jobs::set_manifest(std::string_view shelf, std::string_view want,
                                const Manifest& manifest) const {
  return database_.transaction([&]() -> Result<void> {
    auto remove = database_.prepare("DELETE FROM repositories WHERE shelf = ? AND want = ?");
    if (!remove) return fail(remove.error());
    if (auto done = remove->bind(0, shelf).bind(1, want).run(); !done) return done;
    auto insert = database_.prepare(
        "INSERT INTO repositories (shelf, want, id, revision, ref, state) VALUES (?, ?, ?, ?, ?, 'resolved')"
        " RETURNING number");
    if (!insert) return fail(insert.error());
    const auto row = insert->bind(0, shelf)
                         .bind(1, want)
                         .bind(2, manifest.id)
                         .bind(3, manifest.revision)
                         .bind(4, manifest.ref)
                         .next();
    if (!row) return fail(row.error());
    const std::int64_t number = insert->number(0);
    for (const File& file : manifest.files) {
      auto add = database_.prepare("INSERT INTO files (repository, path, size, blob) VALUES (?, ?, ?, ?)");
      if (!add) return fail(add.error());
      auto done = add->bind(0, number)
                      .bind(1, file.path)
                      .bind(2, static_cast<std::int64_t>(file.size.count))
                      .bind(3, file.blob)
                      .run();
      if (!done) return done;
    }
    return store::add_event(database_, clock_->now(), "shelf." + std::string(shelf),
                            "resolved " + manifest.id + " at " + manifest.revision);
  });
}

Result<void> Jobs::resolve_again(std::string_view shelf) const {
  auto change = database_.prepare("DELETE FROM repositories WHERE shelf = ? AND state <> 'ready'");
  if (!change) return fail(change.error());
  return change->bind(0, shelf).run();
}

Result<void> Jobs::keep_only(std::string_view shelf, const std::vector<std::string>& wants) const {
  return database_.transaction([&]() -> Result<void> {
    auto query = database_.prepare("SELECT number, want FROM repositories WHERE shelf = ?");
    if (!query) return fail(query.error());
    query->bind(0, shelf);
    std::vector<std::int64_t> gone;
    while (true) {
      const auto row = query->next();
      if (!row) return fail(row.error());
      if (!*row) break;
      if (std::find(wants.begin(), wants.end(), query->text(1)) == wants.end())
        gone.push_back(query->number(0));
    }
    for (const std::int64_t number : gone) {
      auto remove = database_.prepare("DELETE FROM repositories WHERE number = ?");
      if (!remove) return fail(remove.error());
      if (auto done = remove->bind(0, number).run(); !done) return done;
    }
    return {};
  });
}

Result<void> Jobs::set_repository_state(std::string_view shelf, std::string_view id, State state,
                                        std::string_view says) const {
  return database_.transaction([&]() -> Result<void> {
    auto change = database_.prepare("UPDATE repositories SET state = ? WHERE shelf = ? AND id = ?");
    if (!change) return fail(change.error());
    if (auto done = change->bind(0, to_text(state)).bind(1, shelf).bind(2, id).run(); !done) return done;
    std::string event = std::string(id) + " " + std::string(to_text(state));
    if (!says.empty()) event.append(": ").append(says);
    return store::add_event(database_, clock_->now(), "shelf." + std::string(shelf), event);
  });
}

Result<bool> Jobs::was_verified(const system::Info& info, std::string_view blob) const {
  auto query = database_.prepare(
      "SELECT 1 FROM verified WHERE device = ? AND inode = ? AND size = ? AND modified_ns = ? AND blob = ?");
  if (!query) return fail(query.error());
  return query->bind(0, static_cast<std::int64_t>(info.device))
      .bind(1, static_cast<std::int64_t>(info.inode))
      .bind(2, static_cast<std::int64_t>(info.size.count))
      .bind(3, nanoseconds(info))
      .bind(4, blob)
      .next();
}

Result<void> Jobs::remember_verified(const system::Info& info, std::string_view blob) const {
  auto change = database_.prepare(
      "INSERT OR REPLACE INTO verified (device, inode, size, modified_ns, blob, at) VALUES (?, ?, ?, ?, ?, "
      "?)");
  if (!change) return fail(change.error());
  return change->bind(0, static_cast<std::int64_t>(info.device))
      .bind(1, static_cast<std::int64_t>(info.inode))
      .bind(2, static_cast<std::int64_t>(info.size.count))
      .bind(3, nanoseconds(info))
      .bind(4, blob)
      .bind(5, seconds())
      .run();
}

Result<void> Jobs::forget_verified(const system::Info& info) const {
  auto change = database_.prepare("DELETE FROM verified WHERE device = ? AND inode = ?");
  if (!change) return fail(change.error());
  return change->bind(0, static_cast<std::int64_t>(info.device))
      .bind(1, static_cast<std::int64_t>(info.inode))
      .run();
}

Result<unsigned> Jobs::count_damage(std::string_view id, std::string_view blob) const {
  auto change = database_.prepare(
      "INSERT INTO damage (id, blob, times) VALUES (?, ?, 1) ON CONFLICT (id, blob) DO UPDATE SET times = "
      "times + 1"
      " RETURNING times");
  if (!change) return fail(change.error());
  const auto row = change->bind(0, id).bind(1, blob).next();
  if (!row) return fail(row.error());
  const std::int64_t times = change->number(0);
  // RETURNING: the change is done when the statement has ended.
  if (const auto end = change->next(); !end) return fail(end.error());
  return static_cast<unsigned>(times);
}

Result<void> Jobs::forget_damage(std::string_view id) const {
  auto change = database_.prepare("DELETE FROM damage WHERE id = ?");
  if (!change) return fail(change.error());
  return change->bind(0, id).run();
}

}  // namespace fettle::shelf
