#include "serve/acknowledge.h"

#include <doctest/doctest.h>

#include "base/json.h"
#include "inputs.h"
#include "serve/requests.h"

using namespace fettle;
using namespace fettle::serve;

namespace {

std::chrono::system_clock::time_point at(std::int64_t seconds) {
  return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
}

store::Acknowledgement known(std::string check, std::string status, std::string says) {
  return {std::move(check), std::move(status), std::move(says), "root", "ordered", at(1000), at(2000)};
}

Inputs node_with(Acknowledgements all) {
  Inputs inputs = test::ready_node();
  inputs.findings.push_back(test::finding("gpu.pcie", Status::fail, "2 of 8 GPUs at x8"));
  inputs.acknowledgements = std::move(all);
  inputs.made_at = at(1500);
  return inputs;
}

Answer post(const Inputs& inputs, std::string_view target, std::string_view body) {
  Question question;
  question.socket = Socket::control;
  question.method = "POST";
  question.target = target;
  question.body = body;
  question.snapshot = std::make_shared<const Snapshot>(inputs);
  return answer(question);
}

}  // namespace

TEST_CASE("acknowledge: what changed or is over is not covered") {
  struct Row {
    const char* status;  // as acknowledged
    const char* says;
    Status now;
    const char* now_says;
    std::int64_t second;
    bool is_covered;
  };
  const std::vector<Row> rows{
      {"fail", "2 at x8", Status::fail, "2 at x8", 1500, true},
      {"fail", "2 at x8", Status::fail, "2 at x8", 1999, true},
      {"fail", "2 at x8", Status::fail, "2 at x8", 2000, false},
      {"fail", "2 at x8", Status::fail, "3 at x8", 1500, false},
      {"fail", "2 at x8", Status::warn, "1 at x8", 1500, true},
      {"warn", "1 at x8", Status::fail, "2 at x8", 1500, false},
      {"warn", "1 at x8", Status::fail, "1 at x8", 1500, false},
      {"fail", "2 at x8", Status::unknown, "cannot read", 1500, false},
      {"unknown", "cannot read", Status::unknown, "cannot read", 1500, true},
      {"unknown", "cannot read", Status::warn, "1 at x8", 1500, false},
      {"unknown", "cannot read", Status::fail, "cannot read", 1500, false},
      {"fail", "2 at x8", Status::pass, "2 at x8", 1500, false},
      {"fail", "2 at x8", Status::not_applicable, "none", 1500, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    CAPTURE(row.now_says);
    CAPTURE(row.second);
    const auto acknowledgement = known("gpu.pcie", row.status, row.says);
    CHECK(covers(acknowledgement, test::finding("gpu.pcie", row.now, row.now_says), at(row.second)) ==
          row.is_covered);
    CHECK_FALSE(covers(acknowledgement, test::finding("gpu.count", row.now, row.now_says), at(row.second)));
  }
}

TEST_CASE("acknowledge: bodies, good and bad") {
  const auto good = parse_acknowledge(R"({"check":"gpu.pcie","for_seconds":60,"because":" ordered "})");
  REQUIRE(good);
  CHECK(good->check == "gpu.pcie");
  CHECK(good->time == std::chrono::seconds(60));
  CHECK(good->because == "ordered");
  CHECK(parse_acknowledge(R"({"check":"a","for_seconds":2592000,"because":"x"})"));
  for (const std::string bad :
       {"", "{", "[]", "null", "5", R"({"check":"a"})", R"({"for_seconds":60,"because":"x"})",
        R"({"check":5,"for_seconds":60,"because":"x"})", R"({"check":"a","for_seconds":59,"because":"x"})",
        R"({"check":"a","for_seconds":2592001,"because":"x"})",
        R"({"check":"a","for_seconds":-60,"because":"x"})",
        R"({"check":"a","for_seconds":1e300,"because":"x"})",
        R"({"check":"a","for_seconds":"8h","because":"x"})",
        R"({"check":"a","for_seconds":60,"because":"  "})",
        R"({"check":"a","for_seconds":60,"because":"a\nb"})",
        R"({"check":"a","for_seconds":60,"because":"x","by":"somebody else"})"}) {
    CAPTURE(bad);
    const auto asked = parse_acknowledge(bad);
    REQUIRE_FALSE(asked);
    CHECK(asked.error().why == Why::malformed);
    CHECK_FALSE(asked.error().hint.empty());
  }
  CHECK_FALSE(
      parse_acknowledge(R"({"check":"a","for_seconds":60,"because":")" + std::string(501, 'x') + "\"}"));
  CHECK(*parse_withdraw(R"({"check":"gpu.pcie"})") == "gpu.pcie");
  CHECK_FALSE(parse_withdraw(R"({"check":"gpu.pcie","because":"x"})"));
}

TEST_CASE("acknowledge: only what does not pass, only on control, and each refusal says why") {
  const std::string wish = R"(","for_seconds":3600,"because":"ordered"})";
  const Inputs inputs = node_with({});
  const Answer told = post(inputs, "/v1/acknowledge", R"({"check":"gpu.pcie)" + wish);
  CHECK(told.status == 202);
  CHECK(told.effect == Effect::acknowledge);
  CHECK(told.acknowledge.check == "gpu.pcie");
  CHECK(told.acknowledge.time == std::chrono::hours(1));
  CHECK(post(inputs, "/v1/acknowledge", R"({"check":"os.release)" + wish).status == 409);
  CHECK(post(inputs, "/v1/acknowledge", R"({"check":"gpu.none)" + wish).status == 404);
  CHECK(post(inputs, "/v1/acknowledge", "").status == 400);
  CHECK(post(inputs, "/v1/withdraw", R"({"check":"gpu.pcie"})").status == 404);
  CHECK(post(inputs, "/v1/withdraw", "{}").status == 400);

  const Inputs after = node_with({known("gpu.pcie", "fail", "2 of 8 GPUs at x8")});
  const Answer withdrawn = post(after, "/v1/withdraw", R"({"check":"gpu.pcie"})");
  CHECK(withdrawn.status == 202);
  CHECK(withdrawn.effect == Effect::withdraw);
  CHECK(withdrawn.acknowledge.check == "gpu.pcie");

  Acknowledgements many;
  for (std::size_t i = 0; i < most_acknowledgements; ++i)
    many.push_back(known("x." + std::to_string(i), "fail", "broken"));
  CHECK(post(node_with(many), "/v1/acknowledge", R"({"check":"gpu.pcie)" + wish).status == 409);

  Question early;
  early.socket = Socket::control;
  early.method = "POST";
  early.target = "/v1/acknowledge";
  const std::string body = R"({"check":"gpu.pcie)" + wish;
  early.body = body;
  CHECK(answer(early).status == 404);
  early.socket = Socket::status;
  CHECK(answer(early).status == 405);
}

TEST_CASE("acknowledge: a known finding keeps its status and its weight, and is marked everywhere") {
  const Inputs inputs = node_with({known("gpu.pcie", "fail", "2 of 8 GPUs at x8"),
                                   known("host.numa_balancing", "warn", "something else")});
  const Snapshot snapshot(inputs);
  CHECK(snapshot.verdict().state == State::failed);
  const std::string status = snapshot.page("/v1/status")->fresh;
  const std::string mark =
      R"("acknowledged":{"by":"root","because":"ordered","at":"1970-01-01T00:16:40Z","until":"1970-01-01T00:33:20Z"})";
  CHECK(status.find(mark) != std::string::npos);
  CHECK(status.find(mark) == status.rfind(mark));
  CHECK(snapshot.page("/v1/health")->fresh.find(mark) != std::string::npos);
  const std::string list = snapshot.page("/v1/acknowledged")->fresh;
  CHECK(list.find(R"("covers":true)") != std::string::npos);
  CHECK(list.find(R"("covers":false)") != std::string::npos);
  const std::string& metrics = snapshot.metrics().fresh;
  CHECK(metrics.find("fettle_finding_acknowledged{id=\"gpu.pcie\"} 1\n") != std::string::npos);
  CHECK(metrics.find("fettle_finding_acknowledged{id=\"host.numa_balancing\"}") == std::string::npos);
  CHECK(metrics.find("fettle_finding_status{id=\"gpu.pcie\"} 2\n") != std::string::npos);
}

TEST_CASE("acknowledge: the list goes to clients and comes back") {
  const Acknowledgements all{known("gpu.pcie", "fail", "2 of 8 GPUs at x8")};
  const Acknowledgements back = parse_acknowledgements(to_json(all, {}, at(1500)));
  REQUIRE(back.size() == 1);
  CHECK(back[0].check == "gpu.pcie");
  CHECK(back[0].says == "2 of 8 GPUs at x8");
  CHECK(back[0].until == at(2000));
  CHECK(covers(back[0], test::finding("gpu.pcie", Status::fail, "2 of 8 GPUs at x8"), at(1500)));
  CHECK(parse_acknowledgements({5, nullptr, "x"}).empty());
  CHECK(to_text(all[0]) == "acknowledged until 1970-01-01T00:33:20Z by root: ordered");
}
