// Print: how values look in answers: times, JSON that is surely UTF-8, metric lines.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <string>
#include <string_view>

#include "store/events.h"

namespace fettle::serve {

// "2026-11-24T22:16:05Z"; the epoch itself gives an empty text: "never".
std::string utc(std::chrono::system_clock::time_point time);

// Bytes that are no UTF-8 become U+FFFD: model names and serials come from firmware.
std::string as_utf8(std::string_view text);

// One line of JSON, valid UTF-8 whatever the values hold.
std::string one_line(const boost::json::value& value);

// {"id":7,"at":…,"subject":"shelf.tiny","says":…}
boost::json::object event_json(const store::Event& event);

// Prometheus text format 0.0.4: in label values \ " and newline are escaped; a value is cut at 200 bytes.
std::string label(std::string_view value);

}  // namespace fettle::serve
