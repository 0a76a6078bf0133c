#include "store/growth.h"

#include <algorithm>

namespace fettle::store {

using std::chrono::milliseconds;
using std::chrono::system_clock;

Result<void> keep_growth(const Database& database, const std::vector<Growth>& all, std::size_t keep) {
  if (auto emptied = database.execute("DELETE FROM growth"); !emptied) return emptied;
  const std::size_t count = std::min(all.size(), keep);
  for (std::size_t i = 0; i < count; ++i) {
    const Growth& each = all[i];
    auto insert =
        database.prepare("INSERT OR REPLACE INTO growth (shelf, at, done, verified) VALUES (?, ?, ?, ?)");
    if (!insert) return fail(insert.error());
    insert->bind(0, each.shelf);
    insert->bind(1, std::chrono::duration_cast<milliseconds>(each.at.time_since_epoch()).count());
    insert->bind(2, static_cast<std::int64_t>(each.done.count));
    insert->bind(3, static_cast<std::int64_t>(each.verified.count));
    if (auto done = insert->run(); !done) return done;
  }
  return {};
}

Result<std::vector<Growth>> kept_growth(const Database& database) {
  auto query = database.prepare("SELECT shelf, at, done, verified FROM growth ORDER BY shelf, at");
  if (!query) return fail(query.error());
  std::vector<Growth> all;
  while (true) {
    const auto row = query->next();
    if (!row) return fail(row.error());
    if (!*row) return all;
    all.push_back({query->text(0), system_clock::time_point(milliseconds(query->number(1))),
                   Bytes{static_cast<std::uint64_t>(query->number(2))},
                   Bytes{static_cast<std::uint64_t>(query->number(3))}});
  }
}

}  // namespace fettle::store
