#include "engine/watch.h"

#include <doctest/doctest.h>

#include <map>

#include "base/names.h"
#include "engine/findings.h"
#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::engine;
using namespace std::chrono_literals;
using facts::EngineState;
using fettle::test::FakeClock;
using fettle::test::FakeRunner;
using fettle::test::Tree;

namespace {

const std::string url = "http://127.0.0.1:8000";
const std::string list_of_one = R"({"object":"list","data":[{"id":"zai-org/GLM-4.6","object":"model"}]})";

// What it answers at each path; a path that is not there is refused.
struct FakeEngine {
  std::map<std::string, Answer> answers;
  std::vector<Question> asked;

  Ask ask() {
    return [this](const Question& question) -> Result<Answer> {
      asked.push_back(question);
      const auto found = answers.find(question.target);
      if (found == answers.end())
        return fail(Why::refused, "cannot ask '" + question.url + "': nobody listens there");
      return found->second;
    };
  }
  void serve() { answers = {{"/health", {200, ""}}, {"/v1/models", {200, list_of_one}}}; }
};

struct Node {
  Tree tree;
  FakeRunner runner;
  FakeClock clock;
  FakeEngine engine;
  profile::Profile profile;

  Node() {
    tree.file("/proc/uptime", "300.0 1.0\n");
    profile.engines = {{"main", url, "zai-org/GLM-4.6", false}};
  }

  std::chrono::seconds turn() {
    const auto wait = engine::turn(profile.engines, engine.ask(), {tree.files(), runner, clock});
    REQUIRE(wait);
    return *wait;
  }
  facts::EngineTrial trial() {
    const auto read = facts::read_engine_trials(tree.files(), 300s);
    REQUIRE(read);
    REQUIRE(read->engines.size() == profile.engines.size());
    return read->engines.front();
  }
  Finding finding() {
    facts::Facts facts;
    facts.engine_trials = facts::read_engine_trials(tree.files(), 300s);
    const Findings found = findings(facts, profile, {});
    REQUIRE(found.size() == 1);
    CHECK(found[0].id == "engine.main");
    return found[0].finding;
  }
};

}  // namespace

TEST_CASE("engine: silent, starting, serving, silent again: what a person is told at each") {
  Node node;
  CHECK(node.finding().status == Status::unknown);
  CHECK(node.finding().says == "cannot tell about the engines: nobody asked them yet");

  CHECK(node.turn() == eager);
  CHECK(node.trial().state == EngineState::silent);
  CHECK(node.finding().status == Status::warn);
  CHECK(node.finding().says == "it is not started: cannot ask 'http://127.0.0.1:8000': nobody listens there");

  node.engine.answers = {{"/health", {503, ""}}};
  CHECK(node.turn() == eager);
  CHECK(node.finding().says == "it is not serving yet: it answers 503 at /health");

  node.engine.serve();
  const auto at = node.clock.now();
  CHECK(node.turn() == settled);
  CHECK(node.trial().served_at == std::chrono::floor<std::chrono::seconds>(at));
  CHECK(node.trial().models == std::vector<std::string>{"zai-org/GLM-4.6"});
  CHECK(node.finding().status == Status::pass);
  CHECK(node.finding().says == "it serves zai-org/GLM-4.6");

  node.clock.sleep_for(15s);
  CHECK(node.turn() == settled);
  CHECK(node.trial().served_at == std::chrono::floor<std::chrono::seconds>(at));  // the first time stays

  node.engine.answers.clear();
  CHECK(node.turn() == settled);
  CHECK(node.finding().status == Status::fail);
  CHECK(node.finding().says.starts_with("it served in this boot and does not any more: cannot ask"));
}

TEST_CASE("engine: one that serves another model has not served what is wanted") {
  Node node;
  node.engine.serve();
  node.profile.engines[0].model = "openai/gpt-oss-120b";
  CHECK(node.turn() == eager);
  CHECK_FALSE(node.trial().served_at);
  CHECK(node.finding().status == Status::warn);
  CHECK(node.finding().says == "it serves zai-org/GLM-4.6, not 'openai/gpt-oss-120b'");
  node.profile.engines[0].model.clear();
  CHECK(node.turn() == settled);
  CHECK(node.finding().status == Status::pass);
}

TEST_CASE("engine: it is asked for one token only when that is wanted, and once") {
  Node node;
  node.engine.serve();
  node.turn();
  CHECK(node.engine.asked.size() == 2);
  CHECK(node.engine.asked[0].target == "/health");
  CHECK(node.engine.asked[1].target == "/v1/models");
  node.profile.engines[0].first_token = true;
  node.engine.asked.clear();
  CHECK(node.turn() == eager);  // refused: it has no such path
  CHECK(node.finding().status == Status::warn);
  CHECK(node.finding().says.starts_with("it is up, but gave no token: cannot ask"));
  node.engine.answers["/v1/completions"] = {500, "out of memory"};
  node.turn();
  CHECK(node.finding().says == "it is up, but gave no token: it answers 500 to a prompt");
  node.engine.answers["/v1/completions"] = {200, R"({"choices":[{"text":"!"}]})"};
  node.engine.asked.clear();
  CHECK(node.turn() == settled);
  REQUIRE(node.engine.asked.size() == 3);
  CHECK(node.engine.asked[2].deadline == token_deadline);
  CHECK(node.engine.asked[2].body ==
        R"({"model":"zai-org/GLM-4.6","prompt":"Hello","max_tokens":1,"temperature":0})");
  CHECK(node.trial().token_at);
  CHECK(node.finding().status == Status::pass);
  node.engine.asked.clear();
  node.turn();
  CHECK(node.engine.asked.size() == 2);
}

TEST_CASE("engine: a report of another address, a broken one and an old one count for nothing") {
  Node node;
  node.engine.serve();
  node.turn();
  node.profile.engines[0].url = "http://127.0.0.1:9000";
  CHECK(node.finding().status == Status::unknown);
  CHECK(node.finding().says == "nobody asked it yet");
  node.engine.answers.clear();
  node.turn();
  CHECK_FALSE(node.trial().served_at);  // it never served there

  facts::Facts facts;
  facts.engine_trials = facts::read_engine_trials(node.tree.files(), 300s + result_valid + 1s);
  CHECK(findings(facts, node.profile, {})[0].finding.status == Status::unknown);
  for (const std::string text : {"", "{", "[]", R"({"format":1})", R"({"format":2,"engines":[]})"}) {
    CAPTURE(text);
    node.tree.file(names::engine_report, text);
    CHECK(node.finding().status == Status::unknown);
    CHECK(node.finding().hint == "`systemctl status fettle-engine` tells why nobody asks them");
    node.turn();  // writes it anew
    CHECK(node.finding().status == Status::warn);
  }
}

TEST_CASE("engine: hostile lists of models stay bounded") {
  Node node;
  node.engine.serve();
  node.profile.engines[0].model.clear();
  for (const std::string body : {"", "[1,2", R"({"data":5})", R"({"data":[5,null,{"id":7},{}]})"}) {
    CAPTURE(body);
    node.engine.answers["/v1/models"] = {200, body};
    node.turn();
    CHECK(node.trial().models.empty());
    CHECK(node.finding().says == "it serves a model that it does not name");
  }
  std::string many = R"({"data":[{"id":"m0"})";
  for (int i = 1; i < 1000; ++i) many += R"(,{"id":"m)" + std::to_string(i) + "\"}";
  node.engine.answers["/v1/models"] = {200, many + "]}"};
  node.turn();
  CHECK(node.trial().models.size() == 100);
  CHECK(node.finding().says == "it serves m0 and 99 more");
}

TEST_CASE("engine: without a place to write the report nobody is told that it serves") {
  Node node;
  node.tree.file("/run/fettle/engine", "in the way");
  node.engine.serve();
  CHECK_FALSE(
      engine::turn(node.profile.engines, node.engine.ask(), {node.tree.files(), node.runner, node.clock}));
}
