#include "store/events.h"

#include <algorithm>

namespace fettle::store {

Result<void> add_event(const Database& database, std::chrono::system_clock::time_point at,
                       std::string_view subject, std::string_view says, std::int64_t keep) {
  auto insert = database.prepare("INSERT INTO events (at, subject, says) VALUES (?, ?, ?)");
  if (!insert) return fail(insert.error());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
  if (auto done = insert->bind(0, seconds).bind(1, subject).bind(2, says).run(); !done) return done;
  auto trim = database.prepare("DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?");
  if (!trim) return fail(trim.error());
  return trim->bind(0, keep).run();
}

Result<std::vector<Event>> newest_events(const Database& database, std::int64_t count) {
  auto query = database.prepare("SELECT id, at, subject, says FROM events ORDER BY id DESC LIMIT ?");
  if (!query) return fail(query.error());
  query->bind(0, count);
  std::vector<Event> events;
  while (true) {
    const auto row = query->next();
    if (!row) return fail(row.error());
    if (!*row) break;
    events.push_back({query->number(0),
                      std::chrono::system_clock::time_point(std::chrono::seconds(query->number(1))),
                      query->text(2), query->text(3)});
  }
  std::reverse(events.begin(), events.end());
  return events;
}

}  // namespace fettle::store
