#include "base/json.h"

#include <algorithm>

// Boost.JSON, compiled once here.
#include <boost/json/src.hpp>

namespace fettle {
namespace {

namespace json = boost::json;

void print(std::string& out, const json::value& value, std::size_t depth) {
  const std::string indent(2 * (depth + 1), ' ');
  if (const json::object* object = value.if_object(); object != nullptr && !object->empty()) {
    std::string_view separator = "{\n";
    for (const auto& [key, field] : *object) {
      out.append(separator).append(indent).append(json::serialize(json::string(key))).append(": ");
      print(out, field, depth + 1);
      separator = ",\n";
    }
    out.append("\n").append(2 * depth, ' ').append("}");
  } else if (const json::array* array = value.if_array(); array != nullptr && !array->empty()) {
    std::string_view separator = "[\n";
    for (const json::value& item : *array) {
      out.append(separator).append(indent);
      print(out, item, depth + 1);
      separator = ",\n";
    }
    out.append("\n").append(2 * depth, ' ').append("]");
  } else {
    out += json::serialize(value);
  }
}

// "line 3, column 7": where the parser stopped.
std::string place_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto begin = before.find_last_of('\n');
  const std::size_t column = begin == std::string_view::npos ? offset + 1 : offset - begin;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

Result<json::value> parse_json(std::string_view text, std::string_view what) {
  json::parse_options options;
  options.max_depth = 32;
  boost::system::error_code err;
  json::parser parser({}, options);
  const std::size_t read = parser.write_some(text, err);
  const bool goes_on = !err && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos;
  if (goes_on) err = json::error::extra_data;
  if (err) {
    return fail(Why::malformed, "cannot read " + std::string(what) + ": it is not JSON: " + err.message() +
                                    " at " + place_of(text, read));
  }
  return parser.release();
}

const json::value* json_field(const json::value& object, std::string_view key) {
  const json::object* const fields = object.if_object();
  return fields == nullptr ? nullptr : fields->if_contains(key);
}

std::string json_text(const json::value& object, std::string_view key) {
  const json::value* const field = json_field(object, key);
  const json::string* const text = field == nullptr ? nullptr : field->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

std::uint64_t json_count(const json::value& object, std::string_view key) {
  const json::value* const field = json_field(object, key);
  if (field == nullptr) return 0;
  boost::system::error_code err;
  const auto number = field->to_number<std::uint64_t>(err);
  return err ? 0 : number;
}

std::string pretty_json(const json::value& value) {
  std::string out;
  print(out, value, 0);
  return out + "\n";
}

const boost::json::array& json_list(const boost::json::value& object, std::string_view key) {
  static const boost::json::array none;
  const boost::json::value* const field = json_field(object, key);
  return field != nullptr && field->is_array() ? field->get_array() : none;
}

}  // namespace fettle
