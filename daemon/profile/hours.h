// Hours: a window of the day, "22:00-06:00", always in UTC: a fleet has one night.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace fettle::profile {

struct Hours {
  std::chrono::minutes begin{0};  // of the day
  std::chrono::minutes end{0};    // before `begin`: on the next day
};

// Nothing for another form, for times that no day has, and for a window without length.
std::optional<Hours> parse_hours(std::string_view text);
std::string to_text(const Hours& hours);  // "22:00-06:00"

// Zero inside of the window, else the time until it opens.
std::chrono::seconds until_open(const Hours& hours, std::chrono::system_clock::time_point now);

}  // namespace fettle::profile
