#include "serve/requests.h"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <vector>

#include "base/text.h"
#include "serve/metrics.h"
#include "serve/print.h"

namespace fettle::serve {
namespace {

enum class Where { both, control };

struct Row {
  std::string_view method;
  std::string_view path;  // a last part "NAME" stands for any name
  Where where;
  Answer (*answer)(const Question& question, std::string_view name);
  std::string_view says;
};

// The body of a page: api, age and staleness first, then what was printed when the snapshot was made.
Answer of_page(const Question& question, const Page& page) {
  const bool stale = question.snapshot->is_stale(question.now);
  Answer answer;
  answer.head = "{\"api\":1,\"age_seconds\":" + std::to_string(question.snapshot->age(question.now).count()) +
                ",\"stale\":" + (stale ? "true" : "false");
  answer.rest = stale && !page.stale.empty() ? page.stale : page.fresh;
  answer.keep = question.snapshot;
  return answer;
}

Answer page(const Question& question, std::string_view path) {
  const Page* const found = question.snapshot->page(path);
  return found == nullptr
             ? refusal(500, "this answer was not prepared", "this is a defect of fettle: please report it")
             : of_page(question, *found);
}

Answer status(const Question& question, std::string_view) {
  return page(question, "/v1/status");
}
Answer facts(const Question& question, std::string_view) {
  return page(question, "/v1/facts");
}
Answer storage(const Question& question, std::string_view) {
  return page(question, "/v1/storage");
}
Answer env(const Question& question, std::string_view) {
  return page(question, "/v1/env");
}
Answer shelves(const Question& question, std::string_view) {
  return page(question, "/v1/shelves");
}

Answer ledger(const Question& question, std::string_view) {
  return page(question, "/v1/ledger");
}

Answer events(const Question& question, std::string_view) {
  Answer answer = page(question, "/v1/events");
  if (question.method == "GET" && question.accept.find("text/event-stream") != std::string_view::npos)
    answer.effect = Effect::follow;
  return answer;
}

Answer health(const Question& question, std::string_view) {
  Answer answer = page(question, "/v1/health");
  const State state = question.snapshot->state(question.now);
  if (answer.status == 200 && state != State::ready && state != State::degraded) {
    answer.status = 503;
    answer.retry_after = 15;
  }
  return answer;
}

Answer shelf(const Question& question, std::string_view name) {
  const Page* const found = question.snapshot->shelf(name);
  return found == nullptr ? refusal(404, "the profile wants no shelf '" + std::string(name) + "'",
                                    "GET /v1/shelves lists them")
                          : of_page(question, *found);
}

Answer metrics(const Question& question, std::string_view) {
  const Page& text = question.snapshot->metrics();
  Answer answer;
  answer.type = "text/plain; version=0.0.4; charset=utf-8";
  answer.rest = question.snapshot->is_stale(question.now) ? text.stale : text.fresh;
  answer.tail = server_metrics_text(question.snapshot->age(question.now), question.counters);
  answer.keep = question.snapshot;
  return answer;
}

Answer refresh(const Question&, std::string_view) {
  Answer answer;
  answer.status = 202;
  answer.head = "{\"api\":1,\"says\":\"the node will be looked at now\"}\n";
  answer.effect = Effect::refresh;
  return answer;
}

constexpr std::array rows{
    Row{"GET", "/v1/status", Where::both, &status, "everything in one answer"},
    Row{"GET", "/v1/health", Where::both, &health, "200 when the node can serve, else 503"},
    Row{"GET", "/v1/facts", Where::both, &facts, "what was read off the machine"},
    Row{"GET", "/v1/storage", Where::both, &storage, "the cache and what provisioning did"},
    Row{"GET", "/v1/shelves", Where::both, &shelves, "every wanted shelf"},
    Row{"GET", "/v1/shelves/NAME", Where::both, &shelf, "one shelf with its repositories"},
    Row{"GET", "/v1/env", Where::both, &env, "the environment that the node delivers"},
    Row{"GET", "/v1/ledger", Where::both, &ledger, "when each boot reached each stage, and what that cost"},
    Row{"GET", "/v1/events", Where::both, &events,
        "what happened; as a stream with Accept: text/event-stream"},
    Row{"GET", "/metrics", Where::both, &metrics, "Prometheus text"},
    Row{"POST", "/v1/refresh", Where::control, &refresh, "look at the node now"},
};

constexpr bool paths_are_unique() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = i + 1; j < rows.size(); ++j) {
      if (rows[i].path == rows[j].path) return false;
    }
  }
  return true;
}
static_assert(paths_are_unique());

constexpr std::string_view any_name = "NAME";

// The part that stands for NAME when the row fits the path, an empty text for a fitting row without a name.
std::optional<std::string_view> fit(const Row& row, std::string_view path) {
  if (!row.path.ends_with(any_name))
    return row.path == path ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view before = row.path.substr(0, row.path.size() - any_name.size());
  if (!path.starts_with(before) || path.size() == before.size()) return std::nullopt;
  const std::string_view name = path.substr(before.size());
  return name.find('/') == std::string_view::npos ? std::optional(name) : std::nullopt;
}

bool is_offered(const Row& row, Socket socket) {
  return row.where == Where::both || socket == Socket::control;
}

std::string known_paths(Socket socket) {
  std::string list;
  for (const Row& row : rows) {
    if (!is_offered(row, socket)) continue;
    if (!list.empty()) list += ", ";
    list.append(row.method).append(" ").append(row.path);
  }
  return list;
}

// No encoding, no empty part, no dots: every path that we have is plain, so nothing else is worth reading.
bool is_plain(std::string_view path) {
  if (path.empty() || path.front() != '/') return false;
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '.' || c == '_' || c == '-';
  };
  if (!std::all_of(path.begin(), path.end(), plain)) return false;
  if (path == "/") return true;
  const auto parts = split(path.substr(1), '/');
  return std::none_of(parts.begin(), parts.end(),
                      [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
}

}  // namespace

Answer refusal(unsigned status, std::string_view said, std::string_view hint) {
  Answer answer;
  answer.status = status;
  const boost::json::object error{{"status", status}, {"said", as_utf8(said)}, {"hint", as_utf8(hint)}};
  answer.head = one_line(boost::json::object{{"api", 1}, {"error", error}}) + "\n";
  return answer;
}

Answer answer(const Question& question) {
  const std::size_t mark = question.target.find('?');
  const std::string_view path = question.target.substr(0, mark);
  if (!is_plain(path)) {
    return refusal(400, "the path is not one of ours",
                   "paths are plain letters, digits, '.', '_' and '-' between single slashes");
  }
  const bool reads = question.method == "GET" || question.method == "HEAD";
  if (question.socket == Socket::status && !reads) {
    Answer refused = refusal(405, "this socket is for reading: GET and HEAD only",
                             "what changes something is asked for on the control socket");
    refused.allow = "GET, HEAD";
    return refused;
  }
  for (const Row& row : rows) {
    const auto name = fit(row, path);
    if (!name || !is_offered(row, question.socket)) continue;
    if (!(row.method == "GET" ? reads : question.method == row.method)) {
      Answer refused =
          refusal(405, "'" + std::string(row.path) + "' takes " + std::string(row.method) + " only");
      refused.allow = row.method == "GET" ? "GET, HEAD" : std::string(row.method);
      return refused;
    }
    if (mark != std::string_view::npos) {
      const std::string_view query = question.target.substr(mark + 1);
      const std::string_view key = query.substr(0, query.find_first_of("=&")).substr(0, 64);
      return refusal(400, "unknown query key '" + std::string(key) + "'",
                     "no key is known here: ask without '?'");
    }
    if (!question.snapshot && row.method == "GET") {
      Answer early = refusal(503, "the node was not looked at yet", "ask again in a second");
      early.retry_after = 1;
      return early;
    }
    Answer answer = row.answer(question, *name);
    if (answer.size() > answer_limit) {
      return refusal(500, "the answer is larger than 4 MiB", "ask for a single shelf: /v1/shelves/NAME");
    }
    return answer;
  }
  return refusal(404, "there is nothing at '" + std::string(path.substr(0, 200)) + "'",
                 "known here: " + known_paths(question.socket));
}

}  // namespace fettle::serve
