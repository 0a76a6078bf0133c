#include "store/acknowledgements.h"

namespace fettle::store {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

std::int64_t seconds_of(system_clock::time_point time) {
  return std::chrono::duration_cast<seconds>(time.time_since_epoch()).count();
}

}  // namespace

Result<void> keep_acknowledgements(const Database& database, const std::vector<Acknowledgement>& all) {
  if (auto emptied = database.execute("DELETE FROM acknowledgements"); !emptied) return emptied;
  for (const Acknowledgement& each : all) {
    auto insert = database.prepare(
        "INSERT INTO acknowledgements (check_id, status, says, by_whom, because, at, until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)");
    if (!insert) return fail(insert.error());
    insert->bind(0, each.check).bind(1, each.status).bind(2, each.says).bind(3, each.by);
    insert->bind(4, each.because).bind(5, seconds_of(each.at)).bind(6, seconds_of(each.until));
    if (auto done = insert->run(); !done) return done;
  }
  return {};
}

Result<std::vector<Acknowledgement>> kept_acknowledgements(const Database& database) {
  auto query = database.prepare(
      "SELECT check_id, status, says, by_whom, because, at, until FROM acknowledgements ORDER BY check_id");
  if (!query) return fail(query.error());
  std::vector<Acknowledgement> all;
  while (true) {
    const auto row = query->next();
    if (!row) return fail(row.error());
    if (!*row) return all;
    all.push_back({query->text(0), query->text(1), query->text(2), query->text(3), query->text(4),
                   system_clock::time_point(seconds(query->number(5))),
                   system_clock::time_point(seconds(query->number(6)))});
  }
}

}  // namespace fettle::store
