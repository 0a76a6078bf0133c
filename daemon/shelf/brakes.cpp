#include "shelf/brakes.h"

#include "shelf/orders.h"

namespace fettle::shelf {

using namespace std::chrono_literals;

Result<void> Brakes::look_at_start() {
  const auto order = order_of(system_.files, shelf_.name);
  if (!order) return fail(order.error());
  if (*order == Order::cancel) return give_order(system_, shelf_.name, Order::none);
  return look();
}

Result<void> Brakes::look() {
  if (stop_) return {};
  const auto order = order_of(system_.files, shelf_.name);
  if (!order) return fail(order.error());
  const std::string resume = "`fettle shelf resume " + shelf_.name + "` ";
  if (*order == Order::hold) {
    stop_with("it is held by the operator", resume + "lets it go on", 0s);
  } else if (*order == Order::cancel) {
    // Obeyed once.
    if (auto withdrawn = give_order(system_, shelf_.name, Order::none); !withdrawn) return withdrawn;
    stop_with("it was cancelled by the operator", resume + "goes on where it ended", 0s);
  }
  return {};
}

void Brakes::keep_reserve() {
  if (stop_) return;
  const auto space = system_.files.space(layout_.home);
  if (!space || space->available >= profile_.cache->reserve) return;
  stop_with("only " + to_text(space->available) + " are free below '" + layout_.home +
                "', less than the reserve of " + to_text(profile_.cache->reserve),
            "free some space; the worker looks again by itself", 300s);
}

void Brakes::keep_hours() {
  if (stop_ || !shelf_.hours) return;
  const auto rest = profile::until_open(*shelf_.hours, system_.clock.now());
  if (rest.count() == 0) return;
  stop_with("it may only fetch in its hours, " + profile::to_text(*shelf_.hours) + " UTC",
            "the worker goes on by itself then; 'hours' in the shelf's file changes them", rest);
}

void Brakes::stop_with(const std::string& because, const std::string& hint,
                       std::chrono::seconds retry_after) {
  stop_ = Stopped{
      State::held, {Why::refused, "cannot go on with '" + shelf_.name + "': " + because, hint}, retry_after};
}

}  // namespace fettle::shelf
