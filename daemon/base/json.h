// JSON of others, read with limits; Boost.JSON itself is used for building our own.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fettle {

// At most 32 levels deep; `what` names the text in the error:
// `cannot read the storage record: …`. The caller limits the size (Files::read does).
Result<boost::json::value> parse_json(std::string_view text, std::string_view what);

// Fields of an object; missing or of another type gives nothing, so that the reader decides what that means.
const boost::json::value* json_field(const boost::json::value& object, std::string_view key);
std::string json_text(const boost::json::value& object, std::string_view key);
std::uint64_t json_count(const boost::json::value& object, std::string_view key);

// Two-space indented, keys in their order, newline at the end: for files and people.
std::string pretty_json(const boost::json::value& value);

// The list in that field, or an empty one.
const boost::json::array& json_list(const boost::json::value& object, std::string_view key);

}  // namespace fettle
