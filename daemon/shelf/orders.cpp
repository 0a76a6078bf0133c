#include "shelf/orders.h"

#include <array>
#include <string>

#include "base/names.h"

namespace fettle::shelf {
namespace {

struct Row {
  Order order;
  std::string_view ending;
};
constexpr std::array rows{Row{Order::hold, ".hold"}, Row{Order::cancel, ".cancel"}};

std::string path_of(std::string_view shelf, std::string_view ending) {
  std::string path(names::stage_state.substr(0, names::stage_state.find_last_of('/') + 1));
  return path.append(shelf).append(ending);
}

}  // namespace

Result<Order> order_of(const system::Files& files, std::string_view shelf) {
  for (const Row& row : rows) {
    const auto there = files.exists(path_of(shelf, row.ending));
    if (!there) return fail(there.error());
    if (*there) return row.order;
  }
  return Order::none;
}

Result<void> give_order(const system::System& system, std::string_view shelf, Order order) {
  for (const Row& row : rows) {
    const std::string path = path_of(shelf, row.ending);
    if (row.order != order) {
      if (const auto removed = system.files.remove(path); !removed) return fail(removed.error());
    } else if (const auto written = system.files.write(path, {}, 0644); !written) {
      return fail(written.error());
    }
  }
  return {};
}

}  // namespace fettle::shelf
