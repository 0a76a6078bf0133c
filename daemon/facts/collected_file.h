// What the files of /run/fettle/collect have in common: their heading, their age, and values that may be
// errors. For the readers of each kind; everybody else takes what those make of it.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "facts/collected.h"

namespace fettle::facts::collected {

// Reads the numbers of one object; one that is missing or no number spoils all: half a value must not read as
// zero errors.
class Numbers {
 public:
  explicit Numbers(const boost::json::value* value) : value_(value) {}

  std::uint64_t operator()(std::string_view key) {
    const boost::json::value* const field = value_ == nullptr ? nullptr : json_field(*value_, key);
    boost::system::error_code err;
    const auto number = field == nullptr ? 0 : field->to_number<std::uint64_t>(err);
    if (field == nullptr || err) good_ = false;
    return number;
  }
  unsigned small(std::string_view key) {
    const std::uint64_t number = (*this)(key);
    if (number > 0xFFFFFFFFU) good_ = false;
    return static_cast<unsigned>(number);
  }
  std::chrono::microseconds time(std::string_view key) {
    return std::chrono::microseconds(static_cast<std::int64_t>((*this)(key)&0x7FFFFFFFFFFFFFFFULL));
  }
  bool good() const { return good_; }

 private:
  const boost::json::value* value_;
  bool good_ = true;
};

// A result with parts missing.
Error half(std::string_view what);

boost::json::object error_object(const Error& error);
// The error that stands in place of a value, when one does.
std::optional<Error> error_in(const boost::json::value* value, std::string_view what);

// The heading of a result.
boost::json::object head_of(const Stamp& stamp);
struct Read {
  boost::json::value value;
  Stamp stamp;
};
Result<Read> parse_head(std::string_view text, std::string_view what);

std::optional<std::chrono::seconds> parse_hang(const boost::json::value& value);
boost::json::value hang_json(const std::optional<std::chrono::seconds>& since);

// The text of the file, when there is one.
Result<std::string> read_kind(const system::Files& files, std::string_view kind, std::string_view what);

std::optional<Error> too_old(const Stamp& stamp, const Result<std::chrono::seconds>& uptime,
                             std::string_view what);

template <class Trial>
Result<Trial> fresh(Result<Trial> trial, const Result<std::chrono::seconds>& uptime, std::string_view what) {
  if (!trial) return trial;
  if (auto error = too_old(trial->stamp, uptime, what)) return fail(std::move(*error));
  return trial;
}

}  // namespace fettle::facts::collected
