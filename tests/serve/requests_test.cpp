#include <doctest/doctest.h>

#include "base/json.h"
#include "inputs.h"
#include "serve/print.h"
#include "serve/requests.h"
#include "support/golden.h"

using namespace fettle;
using namespace fettle::serve;
using fettle::test::check_golden;
using fettle::test::ready_node;

namespace {

Question question(Socket socket, std::string_view method, std::string_view target, int second = 3) {
  static const auto snapshot = std::make_shared<const Snapshot>(ready_node());
  Question result;
  result.socket = socket;
  result.method = method;
  result.target = target;
  result.snapshot = snapshot;
  result.now = std::chrono::steady_clock::time_point(std::chrono::seconds(second));
  result.counters.answered = 5;
  return result;
}

std::string body(const Answer& answer) {
  return answer.head + std::string(answer.rest) + answer.tail;
}

}  // namespace

TEST_CASE("serve: each request has its answer, on its socket") {
  struct Row {
    Socket socket;
    const char* method;
    std::string target;
    unsigned status;
  };
  const Socket status = Socket::status;
  const Socket control = Socket::control;
  const std::vector<Row> rows{
      {status, "GET", "/v1/status", 200},
      {status, "HEAD", "/v1/status", 200},
      {status, "GET", "/v1/health", 200},
      {status, "GET", "/v1/facts", 200},
      {status, "GET", "/v1/storage", 200},
      {status, "GET", "/v1/shelves", 200},
      {status, "GET", "/v1/shelves/tiny", 200},
      {status, "GET", "/v1/shelves/none", 404},
      {status, "GET", "/v1/shelves/", 400},
      {status, "GET", "/v1/shelves/a/b", 404},
      {status, "GET", "/v1/env", 200},
      {status, "GET", "/v1/ledger", 200},
      {status, "GET", "/v1/events", 200},
      {status, "GET", "/metrics", 200},
      {status, "GET", "/v1/openapi.json", 200},
      {status, "GET", "/", 404},
      {status, "GET", "/v1/none", 404},
      {status, "GET", "/v1/statusx", 404},
      {status, "GET", "/v1/status/", 400},
      {status, "GET", "/v1/../v1/status", 400},
      {status, "GET", "/./v1/status", 400},
      {status, "GET", "//v1/status", 400},
      {status, "GET", "/v1/stat%75s", 400},
      {status, "GET", "/v1/status?", 400},
      {status, "GET", "/v1/status?pretty=1", 400},
      {status, "GET", "/v1/shelves/tiny?x", 400},
      {status, "GET", "*", 400},
      {status, "GET", "", 400},
      {status, "GET", "http://fettle/v1/status", 400},
      {status, "GET", std::string("/v1/status\0", 11), 400},
      {status, "GET", "/v1/refresh", 404},
      {status, "POST", "/v1/refresh", 405},
      {status, "DELETE", "/v1/status", 405},
      {status, "get", "/v1/status", 405},
      {control, "GET", "/v1/status", 200},
      {control, "POST", "/v1/status", 405},
      {control, "GET", "/v1/refresh", 405},
      {control, "POST", "/v1/refresh", 202},
      {control, "PUT", "/v1/refresh", 405},
      {control, "POST", "/v1/refresh?now", 400},
      {status, "POST", "/v1/log-level", 405},
      {control, "GET", "/v1/log-level", 405},
      {control, "POST", "/v1/log-level", 400},
  };
  for (const Row& row : rows) {
    CAPTURE(row.method);
    CAPTURE(row.target);
    const Answer got = answer(question(row.socket, row.method, row.target));
    CHECK(got.status == row.status);
    CHECK((got.effect == Effect::refresh) == (row.status == 202));
    if (row.target != "/metrics" && row.target != "/v1/openapi.json") {
      const auto json = parse_json(body(got), "the answer");
      REQUIRE(json);
      CHECK(json_count(*json, "api") == 1);
      CHECK(got.type == (row.status < 300 ? json_type : problem_type));
      CHECK(json_count(*json, "status") == (row.status < 300 ? 0 : row.status));
    }
    CHECK(got.allow.empty() == (got.status != 405));
  }
}

TEST_CASE("serve: the log's level is one of four words") {
  for (const std::string_view level : log_levels) {
    Question asked = question(Socket::control, "POST", "/v1/log-level");
    const std::string text = R"({"level":")" + std::string(level) + "\"}";
    asked.body = text;
    const Answer told = answer(asked);
    CHECK(told.status == 202);
    CHECK(told.effect == Effect::log_level);
    CHECK(told.log_level == level);
  }
  for (const std::string_view bad : {"", "{}", "[]", R"({"level":"loud"})", R"({"level":7})", "{"}) {
    Question asked = question(Socket::control, "POST", "/v1/log-level");
    asked.body = bad;
    CHECK(answer(asked).status == 400);
  }
}

TEST_CASE("serve: an unknown path lists the known ones of its socket") {
  const std::string on_status = body(answer(question(Socket::status, "GET", "/v1/none")));
  CHECK(on_status.find("GET /v1/shelves/NAME") != std::string::npos);
  CHECK(on_status.find("refresh") == std::string::npos);
  CHECK(body(answer(question(Socket::control, "GET", "/"))).find("POST /v1/refresh") != std::string::npos);
}

TEST_CASE("serve: the golden answers") {
  for (const auto& [path, name] : std::vector<std::pair<std::string, std::string>>{
           {"/v1/status", "status.json"},
           {"/v1/health", "health.json"},
           {"/v1/facts", "facts.json"},
           {"/v1/storage", "storage.json"},
           {"/v1/shelves", "shelves.json"},
           {"/v1/shelves/tiny", "shelf.json"},
           {"/v1/env", "env.json"},
           {"/v1/ledger", "ledger.json"},
           {"/v1/events", "events.json"},
           {"/v1/none", "unknown-path.json"},
       }) {
    const auto json = parse_json(body(answer(question(Socket::status, "GET", path))), "the answer");
    REQUIRE(json);
    check_golden("serve-" + name, pretty_json(*json));
  }
  check_golden("serve-metrics.txt", body(answer(question(Socket::status, "GET", "/metrics"))));
}

TEST_CASE("serve: who has the content already gets 304 and no body, until the next look") {
  Question again = question(Socket::status, "GET", "/v1/status");
  const std::string tag(answer(again).tag);
  REQUIRE(tag.rfind("W/\"", 0) == 0);
  for (const std::string& list : {tag, "\"other\", " + tag, tag.substr(2), std::string("*")}) {
    CAPTURE(list);
    again.if_none_match = list;
    const Answer got = answer(again);
    CHECK(got.status == 304);
    CHECK(got.size() == 0);
    CHECK(got.tag == tag);
  }
  for (const char* const list : {"\"other\"", "W/", ",", "\""}) {
    CAPTURE(list);
    again.if_none_match = list;
    CHECK(answer(again).status == 200);
  }
  again.if_none_match = tag;
  again.now += std::chrono::hours(1);  // stale: another content
  CHECK(answer(again).status == 200);
  CHECK(answer(again).tag != tag);
  Question health = question(Socket::status, "GET", "/v1/health", 46);
  const std::string of_health(answer(health).tag);
  health.if_none_match = of_health;
  CHECK(answer(health).status == 503);  // 304 is for what would be 200
  CHECK(answer(question(Socket::status, "GET", "/v1/facts")).tag != tag);
}

TEST_CASE("serve: OpenMetrics is for those who accept it") {
  Question scrape = question(Socket::status, "GET", "/metrics");
  scrape.accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
  const Answer got = answer(scrape);
  CHECK(got.type == "application/openmetrics-text; version=1.0.0; charset=utf-8");
  const std::string text = body(got);
  CHECK(text.substr(text.size() - 6) == "# EOF\n");
  CHECK(text.find("# TYPE fettle_serve_answered counter\n") != std::string::npos);
  CHECK(text.find("# TYPE fettle_state gauge\n") != std::string::npos);
  CHECK(text.find("\nfettle_serve_answered_total 5\n") != std::string::npos);
  CHECK(text.find("# TYPE fettle_serve_answered_total") == std::string::npos);
  CHECK(text.find("# HELP fettle_serve_answered ") != std::string::npos);
}

TEST_CASE("serve: a stale answer says so, and health is 503 (F46)") {
  const Answer fresh = answer(question(Socket::status, "GET", "/v1/health", 45));
  CHECK(fresh.status == 200);
  CHECK(
      body(fresh).find("{\"api\":1,\"age_seconds\":45,\"stale\":false,\"taken_at\":\"2025-11-24T16:00:00Z\","
                       "\"state\":\"ready\"") == 0);
  const Answer stale = answer(question(Socket::status, "GET", "/v1/health", 46));
  CHECK(stale.status == 503);
  CHECK(stale.retry_after == 15);
  CHECK(body(stale).find("{\"api\":1,\"age_seconds\":46,\"stale\":true,\"taken_at\":\"2025-11-24T16:00:00Z\","
                         "\"state\":\"unknown\",\"why\":\"the last look was at 2025-11-24T16:00:00Z") == 0);
  const std::string metrics = body(answer(question(Socket::status, "GET", "/metrics", 46)));
  CHECK(metrics.find("fettle_state{state=\"unknown\"} 1\n") != std::string::npos);
  CHECK(metrics.find("fettle_state{state=\"ready\"} 0\n") != std::string::npos);
  CHECK(body(answer(question(Socket::status, "GET", "/v1/facts", 46))).find("\"stale\":true") !=
        std::string::npos);
}

TEST_CASE("serve: before the first snapshot the answer is 503, and refresh works") {
  Question early = question(Socket::control, "GET", "/v1/status");
  early.snapshot.reset();
  CHECK(answer(early).status == 503);
  CHECK(answer(early).retry_after == 1);
  early.method = "POST";
  early.target = "/v1/refresh";
  CHECK(answer(early).status == 202);
}

TEST_CASE("serve: an answer above 4 MiB is not sent") {
  Inputs inputs = ready_node();
  inputs.facts = std::string(answer_limit, 'x');
  Question large = question(Socket::status, "GET", "/v1/facts");
  large.snapshot = std::make_shared<const Snapshot>(inputs);
  CHECK(answer(large).status == 500);
  CHECK(answer(large).size() < 1000);
}

TEST_CASE("serve: times and texts as they are printed") {
  using std::chrono::seconds;
  using std::chrono::system_clock;
  CHECK(utc(system_clock::time_point(seconds(1764000000))) == "2025-11-24T16:00:00Z");
  CHECK(utc(system_clock::time_point(seconds(951782399))) == "2000-02-28T23:59:59Z");
  CHECK(utc({}).empty());
  CHECK(as_utf8("caf\xC3\xA9 \xF0\x9F\x90\xA7") == "caf\xC3\xA9 \xF0\x9F\x90\xA7");
  for (const char* bad : {"\xFF", "\xC0", "\xC3", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x80\x80"}) {
    CAPTURE(bad);
    CHECK(as_utf8(bad).find("\xEF\xBF\xBD") == 0);
  }
  CHECK(label("a\\b\"c\nd") == "a\\\\b\\\"c\\nd");
  CHECK(label(std::string(500, 'x')).size() == 200);
}
