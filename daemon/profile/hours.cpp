#include "profile/hours.h"

#include "base/text.h"

namespace fettle::profile {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds day = std::chrono::hours(24);

// "06:30"
std::optional<minutes> time_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = to_number<unsigned>(text.substr(0, 2));
  const auto minute = to_number<unsigned>(text.substr(3));
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  return minutes(*hour * 60 + *minute);
}

std::string two_digits(std::int64_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

std::string to_text(minutes time) {
  return two_digits(time.count() / 60) + ":" + two_digits(time.count() % 60);
}

}  // namespace

std::optional<Hours> parse_hours(std::string_view text) {
  if (text.size() != 11 || text[5] != '-') return std::nullopt;
  const auto begin = time_of_day(text.substr(0, 5));
  const auto end = time_of_day(text.substr(6));
  if (!begin || !end || *begin == *end) return std::nullopt;
  return Hours{*begin, *end};
}

std::string to_text(const Hours& hours) {
  return to_text(hours.begin) + "-" + to_text(hours.end);
}

seconds until_open(const Hours& hours, std::chrono::system_clock::time_point now) {
  const seconds since_epoch = std::chrono::floor<seconds>(now.time_since_epoch());
  const seconds since_begin = ((since_epoch - hours.begin) % day + day) % day;
  const seconds length = (seconds(hours.end) - hours.begin + day) % day;
  return since_begin < length ? seconds(0) : day - since_begin;
}

}  // namespace fettle::profile
