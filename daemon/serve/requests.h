// Requests: which paths there are, on which socket, and what each answers. Pure: no socket and no HTTP
// library here.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "serve/acknowledge.h"
#include "serve/snapshot.h"

namespace fettle::serve {

// The two sockets. Everybody local may read `status`; `control` is for root and group fettle, and may change.
enum class Socket { status, control };

// What the server counts about itself, for /metrics.
struct Counters {
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;  // limits, rights, malformed requests
  std::uint64_t timed_out = 0;
  std::uint64_t connections = 0;  // open now
};

struct Question {
  Socket socket = Socket::status;
  std::string_view method;
  std::string_view target;         // as the client sent it: path and query
  std::string_view accept;         // of the header field Accept
  std::string_view if_none_match;  // of the header field If-None-Match
  std::string_view body;
  std::shared_ptr<const Snapshot> snapshot;
  std::chrono::steady_clock::time_point now{};
  Counters counters;
};

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view problem_type = "application/problem+json";

// What the caller has to do besides answering.
// follow: the connection becomes a stream of events.
enum class Effect { none, refresh, follow, acknowledge, withdraw, log_level };

// How much the daemon may tell, the gravest first.
inline constexpr std::array<std::string_view, 4> log_levels{"error", "warning", "info", "debug"};

// The body is `head`, then `rest` (which `keep` holds), then `tail`.
struct Answer {
  unsigned status = 200;
  std::string_view type = json_type;
  std::string_view tag;  // ETag, quotes included: the content as of the look that `keep` holds; empty = none
  std::string head;
  std::string_view rest;
  std::string tail;
  std::string allow;         // for 405
  unsigned retry_after = 0;  // seconds, for 503; 0 = not said
  Effect effect = Effect::none;
  Acknowledge acknowledge;     // for the effects of that name; withdraw takes only the check
  std::string_view log_level;  // one of log_levels
  std::shared_ptr<const Snapshot> keep;

  std::size_t size() const { return head.size() + rest.size() + tail.size(); }
};

Answer answer(const Question& question);

// A problem (RFC 9457): {"api":1,"type":"about:blank","title":"Not Found","status":404,"detail":…,"hint":…}
Answer refusal(unsigned status, std::string_view said, std::string_view hint = {});

}  // namespace fettle::serve
