// Asks an inference engine over loopback. The only file that opens an internet socket, and it knows no other
// address: `fettle engine watch` runs in a unit that may reach nothing else.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace fettle::engine {

struct Question {
  std::string url;     // as in the configuration: "http://127.0.0.1:8000"
  std::string target;  // "/health"
  std::string body;    // JSON that is posted; empty = GET
  std::chrono::milliseconds deadline{5000};
};

struct Answer {
  unsigned status = 0;
  std::string body;
};

// Nothing above it is read: a list of models has a few KiB.
inline constexpr Bytes largest_answer = 256_KiB;

// refused = nobody listens there, timed_out = no whole answer in time, failed = what came is no HTTP.
using Ask = std::function<Result<Answer>(const Question&)>;

Result<Answer> ask(const Question& question);

}  // namespace fettle::engine
