#include "serve/requests.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "serve/metrics.h"
#include "serve/openapi.h"
#include "serve/print.h"
#include "serve/routes.h"

namespace fettle::serve {
namespace {

// The body of a page: api, age and staleness first, then what was printed when the snapshot was made.
Answer of_page(const Question& question, const Page& page) {
  const bool stale = question.snapshot->is_stale(question.now);
  Answer answer;
  answer.head = "{\"api\":1,\"age_seconds\":" + std::to_string(question.snapshot->age(question.now).count()) +
                ",\"stale\":" + (stale ? "true" : "false");
  answer.rest = stale && !page.stale.empty() ? page.stale : page.fresh;
  answer.tag = stale ? page.stale_tag : page.fresh_tag;
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
  if (question.accept.find("application/openmetrics-text") != std::string_view::npos) {
    answer.type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    answer.head = as_open_metrics(answer.rest);
    answer.rest = {};
    answer.tail = as_open_metrics(answer.tail) + "# EOF\n";
  }
  return answer;
}

Answer openapi(const Question&, std::string_view) {
  static const Page text(one_line(openapi_document()) + "\n");
  Answer answer;
  answer.rest = text.fresh;
  answer.tag = text.fresh_tag;
  return answer;
}

Answer told(std::string says, Effect effect) {
  Answer answer;
  answer.status = 202;
  answer.head = one_line({{"api", 1}, {"says", std::move(says)}}) + "\n";
  answer.effect = effect;
  return answer;
}

bool is_known(const Acknowledgements& all, std::string_view check) {
  return std::any_of(all.begin(), all.end(),
                     [&](const store::Acknowledgement& each) { return each.check == check; });
}

Answer refresh(const Question&, std::string_view) {
  return told("the node will be looked at now", Effect::refresh);
}

Answer acknowledged(const Question& question, std::string_view) {
  return page(question, "/v1/acknowledged");
}

Answer acknowledge(const Question& question, std::string_view) {
  const auto asked = parse_acknowledge(question.body);
  if (!asked) return refusal(400, asked.error().said, asked.error().hint);
  const NamedFinding* const named = question.snapshot ? question.snapshot->finding(asked->check) : nullptr;
  if (named == nullptr)
    return refusal(404, "there is no check '" + asked->check + "' here", "GET /v1/status lists them");
  if (named->finding.status == Status::pass || named->finding.status == Status::not_applicable) {
    return refusal(409,
                   "there is nothing to acknowledge: " + asked->check + " is " +
                       std::string(to_text(named->finding.status)),
                   "only what does not pass can be acknowledged, as it is now");
  }
  const Acknowledgements& all = question.snapshot->acknowledgements();
  if (all.size() >= most_acknowledgements && !is_known(all, asked->check)) {
    return refusal(409, "so much is acknowledged that there is room for no more",
                   "withdraw some: GET /v1/acknowledged lists them");
  }
  Answer answer = told(asked->check + " is acknowledged as it is now", Effect::acknowledge);
  answer.acknowledge = *asked;
  return answer;
}

Answer withdraw(const Question& question, std::string_view) {
  const auto check = parse_withdraw(question.body);
  if (!check) return refusal(400, check.error().said, check.error().hint);
  if (!question.snapshot || !is_known(question.snapshot->acknowledgements(), *check))
    return refusal(404, "nobody has acknowledged '" + *check + "'", "GET /v1/acknowledged lists what is");
  Answer answer = told("the acknowledgement of " + *check + " is withdrawn", Effect::withdraw);
  answer.acknowledge.check = *check;
  return answer;
}

Answer log_level(const Question& question, std::string_view) {
  const auto body = parse_json(question.body, "the body");
  const std::string word = body ? json_text(*body, "level") : std::string();
  const auto* const level = std::find(log_levels.begin(), log_levels.end(), word);
  if (level == log_levels.end()) {
    return refusal(400, "the body names no level",
                   R"(the body is JSON such as {"level":"debug"}: error, warning, info or debug)");
  }
  Answer answer = told("the daemon tells from " + word + " on, until it is restarted", Effect::log_level);
  answer.log_level = *level;
  return answer;
}

constexpr std::array table{
    Route{"GET", "/v1/status", Where::both, "everything in one answer", "Status", &status},
    Route{"GET", "/v1/health", Where::both, "200 when the node can serve, else 503", "Health", &health},
    Route{"GET", "/v1/facts", Where::both, "what was read off the machine", "Facts", &facts},
    Route{"GET", "/v1/storage", Where::both, "the cache and what provisioning did", "Storage", &storage},
    Route{"GET", "/v1/shelves", Where::both, "every wanted shelf", "Shelves", &shelves},
    Route{"GET", "/v1/shelves/NAME", Where::both, "one shelf with its repositories", "OneShelf", &shelf},
    Route{"GET", "/v1/env", Where::both, "the environment that the node delivers", "Env", &env},
    Route{"GET", "/v1/ledger", Where::both, "when each boot reached each stage, and what that cost", "Ledger",
          &ledger},
    Route{"GET", "/v1/events", Where::both, "what happened; as a stream with Accept: text/event-stream",
          "Events", &events},
    Route{"GET", "/v1/acknowledged", Where::both, "of which findings somebody said that they are known",
          "Acknowledged", &acknowledged},
    Route{"GET", "/v1/openapi.json", Where::both, "this list, for machines", "OpenApi", &openapi},
    Route{"GET", "/metrics", Where::both, "Prometheus text, or OpenMetrics when Accept asks for it", "",
          &metrics},
    Route{"POST", "/v1/refresh", Where::control, "look at the node now", "Told", &refresh},
    Route{"POST", "/v1/acknowledge", Where::control, "a finding is known as it is, for a time and a reason",
          "Told", &acknowledge},
    Route{"POST", "/v1/withdraw", Where::control, "it is not known any more", "Told", &withdraw},
    Route{"POST", "/v1/log-level", Where::control, "how much the daemon writes to its log, until its restart",
          "Told", &log_level},
};

constexpr bool paths_are_unique() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    for (std::size_t j = i + 1; j < table.size(); ++j) {
      if (table[i].path == table[j].path) return false;
    }
  }
  return true;
}
static_assert(paths_are_unique());

// The part that stands for NAME when the row fits the path, an empty text for a fitting row without a name.
std::optional<std::string_view> fit(const Route& row, std::string_view path) {
  if (!row.path.ends_with(any_name))
    return row.path == path ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view before = row.path.substr(0, row.path.size() - any_name.size());
  if (!path.starts_with(before) || path.size() == before.size()) return std::nullopt;
  const std::string_view name = path.substr(before.size());
  return name.find('/') == std::string_view::npos ? std::optional(name) : std::nullopt;
}

bool is_offered(const Route& row, Socket socket) {
  return row.where == Where::both || socket == Socket::control;
}

boost::json::array known_paths(Socket socket) {
  boost::json::array list;
  for (const Route& row : table) {
    if (is_offered(row, socket)) list.emplace_back(std::string(row.method) + " " + std::string(row.path));
  }
  return list;
}

// What a client that has the content under one of these tags needs not be sent again. Weak comparison, RFC
// 9110 13.1.2.
bool lists_tag(std::string_view list, std::string_view tag) {
  const auto strong = [](std::string_view text) {
    text = trim(text);
    if (text.starts_with("W/")) text.remove_prefix(2);
    return text;
  };
  if (trim(list) == "*") return true;
  const auto tags = split(list, ',');
  return std::any_of(tags.begin(), tags.end(),
                     [&](std::string_view each) { return strong(each) == strong(tag); });
}

std::string_view title_of(unsigned status) {
  struct Title {
    unsigned status;
    std::string_view title;
  };
  constexpr std::array titles{Title{400, "Bad Request"},
                              Title{403, "Forbidden"},
                              Title{404, "Not Found"},
                              Title{405, "Method Not Allowed"},
                              Title{413, "Content Too Large"},
                              Title{414, "URI Too Long"},
                              Title{431, "Request Header Fields Too Large"},
                              Title{503, "Service Unavailable"}};
  const auto found =
      std::find_if(titles.begin(), titles.end(), [&](const Title& row) { return row.status == status; });
  return found == titles.end() ? "Internal Server Error" : found->title;
}

boost::json::object problem(unsigned status, std::string_view said, std::string_view hint) {
  // No type of ours: the status says what kind of problem it is, and `detail` the rest.
  return {{"api", 1},         {"type", "about:blank"},   {"title", title_of(status)},
          {"status", status}, {"detail", as_utf8(said)}, {"hint", as_utf8(hint)}};
}

Answer of_problem(unsigned status, const boost::json::object& problem) {
  Answer answer;
  answer.status = status;
  answer.type = problem_type;
  answer.head = one_line(problem) + "\n";
  return answer;
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

std::span<const Route> routes() {
  return table;
}

Answer refusal(unsigned status, std::string_view said, std::string_view hint) {
  return of_problem(status, problem(status, said, hint));
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
  for (const Route& row : table) {
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
    if (!question.snapshot && row.method == "GET" && row.answer != &openapi) {
      Answer early = refusal(503, "the node was not looked at yet", "ask again in a second");
      early.retry_after = 1;
      return early;
    }
    Answer answer = row.answer(question, *name);
    if (answer.status == 200 && answer.effect == Effect::none && !answer.tag.empty() &&
        !question.if_none_match.empty() && lists_tag(question.if_none_match, answer.tag)) {
      answer.status = 304;
      answer.head.clear();
      answer.rest = {};
    }
    if (answer.size() > answer_limit) {
      return refusal(500, "the answer is larger than 4 MiB", "ask for a single shelf: /v1/shelves/NAME");
    }
    return answer;
  }
  boost::json::object unknown = problem(404, "there is nothing at '" + std::string(path.substr(0, 200)) + "'",
                                        "`known` lists what there is on this socket");
  unknown["known"] = known_paths(question.socket);
  return of_problem(404, unknown);
}

}  // namespace fettle::serve
