// Orders: what an operator tells a worker, across processes and boots: a small file beside the worker's
// records.
#pragma once

#include <string_view>

#include "base/result.h"
#include "system/files.h"
#include "system/system.h"

namespace fettle::shelf {

// hold: stop, and do nothing until the order is withdrawn. cancel: stop what is running now.
enum class Order { none, hold, cancel };

// What stands for this shelf; an order that cannot be looked at is an error, not "none".
Result<Order> order_of(const system::Files& files, std::string_view shelf);

// Replaces what stood before; none withdraws it. A worker obeys within about a second.
Result<void> give_order(const system::System& system, std::string_view shelf, Order order);

}  // namespace fettle::shelf
