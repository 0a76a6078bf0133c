// Acknowledge: what may be said of a finding, and which finding it then holds for. A finding that changed is
// never hidden by it.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/finding.h"
#include "base/result.h"
#include "store/acknowledgements.h"

namespace fettle::serve {

using Acknowledgements = std::vector<store::Acknowledgement>;

inline constexpr std::chrono::minutes shortest_acknowledgement{1};
inline constexpr std::chrono::hours longest_acknowledgement{24 * 30};
inline constexpr std::size_t reason_limit = 500;  // bytes
inline constexpr std::size_t most_acknowledgements = 200;

// What a client asks for in the body of POST /v1/acknowledge.
struct Acknowledge {
  std::string check;
  std::chrono::seconds time{0};
  std::string because;
};

// malformed when the body is not {"check":…,"for_seconds":…,"because":…}, or says too much.
Result<Acknowledge> parse_acknowledge(std::string_view body);

// The check of {"check":…}, the body of POST /v1/withdraw.
Result<std::string> parse_withdraw(std::string_view body);

// Whether the finding is as it was acknowledged, and the time is not over: the same status with the same
// words, or better than it was. Nothing holds for what became worse, or only says something else: it may be
// something else.
bool covers(const store::Acknowledgement& acknowledgement, const NamedFinding& named,
            std::chrono::system_clock::time_point now);

// The one that covers the finding, or null.
const store::Acknowledgement* acknowledgement_of(const Acknowledgements& all, const NamedFinding& named,
                                                 std::chrono::system_clock::time_point now);

// "acknowledged until 2025-11-24T16:00:00Z by root: the drive is ordered"
std::string to_text(const store::Acknowledgement& acknowledgement);

// {"by":…,"because":…,"at":…,"until":…}
boost::json::object to_json(const store::Acknowledgement& acknowledgement);

// All of them, each with its check, what it said then, and whether it still covers what the check finds.
boost::json::array to_json(const Acknowledgements& all, const Findings& findings,
                           std::chrono::system_clock::time_point now);

// The way back, for the command line. What is malformed is left out.
Acknowledgements parse_acknowledgements(const boost::json::array& list);

}  // namespace fettle::serve
