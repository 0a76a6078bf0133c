#include "store/ledger.h"

namespace fettle::store {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

std::int64_t stored(system_clock::time_point at) {
  return std::chrono::duration_cast<seconds>(at.time_since_epoch()).count();
}

system_clock::time_point read(std::int64_t at) {
  return system_clock::time_point(seconds(at));
}

Result<std::vector<Stage>> stages_of(const Database& database, const std::string& boot) {
  auto query = database.prepare("SELECT name, at, bytes FROM stages WHERE boot = ? ORDER BY at, name");
  if (!query) return fail(query.error());
  query->bind(0, boot);
  std::vector<Stage> stages;
  while (true) {
    const auto row = query->next();
    if (!row) return fail(row.error());
    if (!*row) return stages;
    stages.push_back(
        {query->text(0), read(query->number(1)), Bytes{static_cast<std::uint64_t>(query->number(2))}});
  }
}

Result<std::vector<Boot>> boots_of(const Database& database, Statement& query) {
  std::vector<Boot> boots;
  while (true) {
    const auto row = query.next();
    if (!row) return fail(row.error());
    if (!*row) return boots;
    Boot boot{query.text(0), read(query.number(1)), {}, query.text(2)};
    auto stages = stages_of(database, boot.id);
    if (!stages) return fail(stages.error());
    boot.stages = std::move(*stages);
    boots.push_back(std::move(boot));
  }
}

}  // namespace

Result<void> add_stages(const Database& database, const Boot& boot, std::int64_t keep) {
  auto insert = database.prepare("INSERT OR IGNORE INTO boots (id, at) VALUES (?, ?)");
  if (!insert) return fail(insert.error());
  if (auto done = insert->bind(0, boot.id).bind(1, stored(boot.at)).run(); !done) return done;
  if (!boot.generation.empty()) {
    auto update = database.prepare("UPDATE boots SET generation = ? WHERE id = ?");
    if (!update) return fail(update.error());
    if (auto done = update->bind(0, boot.generation).bind(1, boot.id).run(); !done) return done;
  }
  for (const Stage& stage : boot.stages) {
    auto row = database.prepare("INSERT OR IGNORE INTO stages (boot, name, at, bytes) VALUES (?, ?, ?, ?)");
    if (!row) return fail(row.error());
    row->bind(0, boot.id).bind(1, stage.name).bind(2, stored(stage.at));
    if (auto done = row->bind(3, static_cast<std::int64_t>(stage.bytes.count)).run(); !done) return done;
  }
  auto trim = database.prepare(
      "DELETE FROM boots WHERE id NOT IN (SELECT id FROM boots ORDER BY at DESC, rowid DESC LIMIT ?)");
  if (!trim) return fail(trim.error());
  return trim->bind(0, keep).run();
}

Result<std::vector<Boot>> newest_boots(const Database& database, std::int64_t count) {
  auto query = database.prepare("SELECT id, at, generation FROM boots ORDER BY at DESC, rowid DESC LIMIT ?");
  if (!query) return fail(query.error());
  return boots_of(database, query->bind(0, count));
}

Result<std::optional<Boot>> first_boot(const Database& database, std::string_view generation) {
  auto query = database.prepare(
      "SELECT id, at, generation FROM boots WHERE generation = ? ORDER BY at, rowid LIMIT 1");
  if (!query) return fail(query.error());
  auto boots = boots_of(database, query->bind(0, generation));
  if (!boots) return fail(boots.error());
  if (boots->empty()) return std::optional<Boot>();
  return std::move(boots->front());
}

}  // namespace fettle::store
