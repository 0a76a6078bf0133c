#include "cli/words.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <sstream>

#include "base/bytes.h"
#include "base/json.h"
#include "cli/verbs.h"
#include "support/fakes.h"
#include "support/tree.h"

using namespace fettle;
using namespace fettle::cli;

namespace {

using Arguments = std::vector<std::string>;

struct Answer {
  std::optional<int> code;
  std::string out;
  std::string err;
};

Answer read(Words& words, const Arguments& arguments, Mistakes mistakes = Mistakes::as_sentence,
            Format format = Format::text) {
  test::Tree tree;
  test::FakeRunner runner;
  test::FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  Context context{{tree.files(), runner, clock}, format, out, err};
  const auto code = words.read(context, arguments, mistakes);
  return {code, out.str(), err.str()};
}

std::string line_of(const Arguments& arguments) {
  std::string line = "fettle try";
  for (const std::string& argument : arguments) line += " '" + argument + "'";
  return line;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// One of each kind.
struct Typed {
  std::string name;
  std::vector<std::string> others;
  std::string colour = "red";
  unsigned port = 9100;
  std::optional<unsigned> ranks;
  std::uint64_t bytes = 7;
  Bytes rate = 200_MiB;
  std::optional<bool> spreads;
  bool is_dry = false;

  Words words{"fettle try", "Tries each kind of word."};

  Typed() {
    words.option("NAME", name, "who it is").required();
    words.option("OTHERS", others, "who else");
    words.option("--colour", colour, "of what").among({"red", "green"}).shows_default(colour);
    words.option("-p,--port", port, "where").within(1U, 65535U);
    words.option("--ranks", ranks, "how many").within(1, 8).type_name("COUNT");
    words.option("--bytes", bytes).hidden();
    words.option("--rate", rate, "how fast").shows_default("200MiB");
    words.flag("--spread", spreads, Says::yes, "over all");
    words.flag("--no-spread", spreads, Says::no, "over none");
    words.flag("--dry-run", is_dry, "change nothing");
  }

  std::string text() const {
    std::string all = name;
    for (const std::string& other : others) all += "+" + other;
    all += " " + colour + " " + std::to_string(port) + " " + (ranks ? std::to_string(*ranks) : "?") + " " +
           std::to_string(bytes) + " " + std::to_string(rate.count);
    all += spreads ? (*spreads ? " spread" : " whole") : "";
    return all + (is_dry ? " dry" : "");
  }
};

}  // namespace

TEST_CASE("words: each kind takes what is typed, and stays as it is without") {
  struct Row {
    Arguments arguments;
    const char* typed;
  };
  const std::vector<Row> rows{
      {{"a"}, "a red 9100 ? 7 209715200"},
      {{"a", "b", "c"}, "a+b+c red 9100 ? 7 209715200"},
      {{"--colour", "green", "a"}, "a green 9100 ? 7 209715200"},
      {{"a", "--colour=green"}, "a green 9100 ? 7 209715200"},
      {{"a", "-p", "1"}, "a red 1 ? 7 209715200"},
      {{"a", "--port", "65535", "--ranks", "8"}, "a red 65535 8 7 209715200"},
      {{"a", "--bytes", "18446744073709551615"}, "a red 9100 ? 18446744073709551615 209715200"},
      {{"a", "--rate", "1MiB"}, "a red 9100 ? 7 1048576"},
      {{"a", "--spread"}, "a red 9100 ? 7 209715200 spread"},
      {{"a", "--no-spread", "--dry-run"}, "a red 9100 ? 7 209715200 whole dry"},
  };
  for (const Row& row : rows) {
    CAPTURE(line_of(row.arguments));
    Typed typed;
    const Answer answer = read(typed.words, row.arguments);
    CHECK_FALSE(answer.code);
    CHECK((answer.out + answer.err).empty());
    CHECK(typed.text() == row.typed);
  }
}

TEST_CASE("words: a mistake is told with the word that it is in, and ends with 64") {
  struct Row {
    Arguments arguments;
    const char* told;
  };
  const std::vector<Row> rows{
      {{}, "NAME is required"},
      {{"a", "--colour", "blue"}, "--colour: blue not in {red,green}"},
      {{"a", "--port", "0"}, "--port: "},
      {{"a", "--port", "65536"}, "--port: "},
      {{"a", "--port", "many"}, "--port: "},
      {{"a", "--port"}, "--port: "},
      {{"a", "--ranks", "9"}, "--ranks: "},
      {{"a", "--bytes", "many"}, "many"},
      {{"a", "--rate", "fast"}, "--rate: "},
      {{"a", "--nonsense"}, "not expected: --nonsense"},
  };
  for (const Row& row : rows) {
    CAPTURE(line_of(row.arguments));
    Typed typed;
    const Answer answer = read(typed.words, row.arguments);
    CHECK(answer.code == usage);
    CHECK(answer.out.empty());
    CAPTURE(answer.err);
    CHECK(contains(answer.err, row.told));
    CHECK(contains(answer.err, "\nRun with --help for more information.\n"));
  }
}

TEST_CASE("words: where it is wished a mistake is an error like any other, also as JSON") {
  Typed typed;
  const Answer text = read(typed.words, {}, Mistakes::as_error);
  CHECK(text.code == usage);
  CHECK(text.err == "fettle: NAME is required\n  hint: `fettle try --help` tells more\n");
  Typed again;
  const Answer json = read(again.words, {}, Mistakes::as_error, Format::json);
  CHECK(json.code == usage);
  CHECK(json.err.empty());
  const auto answer = parse_json(json.out, "the answer");
  REQUIRE(answer);
  CHECK(json_text(answer->at("error"), "why") == "malformed");
  CHECK(json_text(answer->at("error"), "said") == "NAME is required");
}

TEST_CASE("words: help shows every word but the hidden, runs nothing and ends with 0") {
  for (const Mistakes mistakes : {Mistakes::as_sentence, Mistakes::as_error}) {
    Typed typed;
    const Answer answer = read(typed.words, {"--help"}, mistakes);
    CHECK(answer.code == ok);
    CHECK(answer.err.empty());
    for (const char* part :
         {"Tries each kind of word.\n", "fettle try ", "NAME TEXT REQUIRED", "who it is", "{red,green}",
          "-p,--port", "in [1 - 65535]", "COUNT", "200MiB", "--no-spread"}) {
      CAPTURE(part);
      CHECK(contains(answer.out, part));
    }
    CHECK_FALSE(contains(answer.out, "--bytes"));
  }
}

TEST_CASE("words: one may need another, exclude another, and is known to be given also when it is empty") {
  struct Row {
    Arguments arguments;
    std::optional<int> code;
    const char* told;
  };
  const std::vector<Row> rows{
      {{"--hash", "1"}, std::nullopt, ""},
      {{"--signature", "s", "--key", "k"}, std::nullopt, ""},
      {{"--signature", "s"}, usage, "--signature requires --key"},
      {{"--key", "k", "--signature", "s", "--hash", "1"}, usage, "excludes"},
      {{}, usage, "a hash or a signature is required"},
      {{"--hash", ""}, usage, "a hash or a signature is required"},
  };
  for (const Row& row : rows) {
    CAPTURE(line_of(row.arguments));
    std::string hash;
    std::string signature;
    std::string key;
    Words words("fettle try", "Tries words that go together.");
    const Word& first = words.option("--hash", hash);
    const Word& second = words.option("--key", key);
    words.option("--signature", signature).needs(second).excludes(first);
    words.demand([&] { return !hash.empty() || !signature.empty(); }, "a hash or a signature");
    const Answer answer = read(words, row.arguments);
    CHECK(answer.code == row.code);
    CHECK(contains(answer.err, row.told));
    CHECK(second.is_given() == (row.arguments.size() > 2));
    if (row.arguments == Arguments{"--hash", ""}) CHECK(first.is_given());
  }
}

TEST_CASE("words: of a single word there is one") {
  for (const Arguments& arguments : {Arguments{"a"}, Arguments{"a", "b"}}) {
    std::vector<std::string> names;
    Words words("fettle try", "Tries a single word.");
    words.option("NAME", names, "which").single();
    CHECK(read(words, arguments).code.has_value() == (arguments.size() == 2));
    if (arguments.size() == 1) CHECK(names == arguments);
  }
}

TEST_CASE("words: of a group exactly one is given, and an empty word is none of it") {
  struct Row {
    Arguments arguments;
    const char* told;
  };
  const std::vector<Row> rows{
      {{"--boot"}, ""},
      {{}, "[--boot,--cache]"},
      {{"--boot", "--cache"}, "[--boot,--cache]"},
      {{"--boot", ""}, "not expected"},
      {{"", "--boot"}, "not expected"},
  };
  for (const Row& row : rows) {
    CAPTURE(line_of(row.arguments));
    bool is_boot = false;
    bool is_cache = false;
    Words words("fettle try", "Tries a group.");
    Words& phase = words.one_of("phase");
    phase.flag("--boot", is_boot, "before");
    phase.flag("--cache", is_cache, "after");
    const Answer answer = read(words, row.arguments);
    const bool is_well = row.arguments == Arguments{"--boot"};
    CHECK(answer.code.value_or(ok) == (is_well ? ok : usage));
    CHECK(contains(answer.err, row.told));
    if (is_well) CHECK((is_boot && !is_cache));
  }
}

TEST_CASE(
    "words: verbs take words of their own, one is needed where that is said, and none where it is not") {
  enum class Wanted { any, at_most_one, one };
  struct Row {
    Wanted wanted;
    Arguments arguments;
    std::optional<int> code;
    const char* verb;
  };
  const std::vector<Row> rows{
      {Wanted::one, {"show"}, std::nullopt, "show"},
      {Wanted::one, {}, usage, ""},
      {Wanted::one, {"show", "act"}, usage, "show"},
      {Wanted::one, {"other"}, usage, ""},
      {Wanted::at_most_one, {}, std::nullopt, ""},
      {Wanted::at_most_one, {"act", "--yes"}, std::nullopt, "act"},
      {Wanted::at_most_one, {"show", "--yes"}, usage, "show"},
      {Wanted::any, {}, std::nullopt, ""},
      {Wanted::any, {"show", "act"}, std::nullopt, "show"},
      {Wanted::one, {"act", "--help"}, ok, "act"},
  };
  for (const Row& row : rows) {
    CAPTURE(line_of(row.arguments));
    bool yes = false;
    Words words("fettle try", "Tries verbs.");
    const Words& show = words.verb("show", "look at it");
    Words& act = words.verb("act", "do it");
    act.flag("--yes", yes, "really");
    if (row.wanted == Wanted::one) words.needs_one_verb();
    if (row.wanted == Wanted::at_most_one) words.takes_at_most_one_verb();
    const Answer answer = read(words, row.arguments);
    CHECK(answer.code == row.code);
    CHECK(words.verb_given() == row.verb);
    CHECK(show.is_given() == (words.verb_given() == "show"));
    CHECK(answer.err.empty() == (row.code != usage));
    if (row.code == ok) CHECK(contains(answer.out, "fettle try act"));
  }
}

namespace {

struct Pick {
  std::string name = "nobody";
};

int tell(Context& context, const profile::Profile&, const Pick& pick) {
  context.out << pick.name;
  return partial;
}

const std::array picks{
    Verb<Pick>{"name", "takes one", [](Words& words, Pick& pick) { words.option("NAME", pick.name, "who"); },
               &tell},
    Verb<Pick>{"set", "has a default", [](Words&, Pick& pick) { pick.name = "somebody"; }, &tell},
};

}  // namespace

TEST_CASE("verbs: the one that was typed runs, and a default of one does not reach another") {
  struct Row {
    Arguments arguments;
    const char* name;
  };
  for (const Row& row : {Row{{"name"}, "nobody"}, Row{{"name", "x"}, "x"}, Row{{"set"}, "somebody"}}) {
    test::Tree tree;
    test::FakeRunner runner;
    test::FakeClock clock;
    std::ostringstream out;
    Context context{{tree.files(), runner, clock}, Format::text, out, out};
    Words words("fettle try", "Tries a table.");
    const Verbs verb(picks, words);
    REQUIRE_FALSE(words.read(context, row.arguments));
    CHECK(verb.typed().name == row.name);
    CHECK(verb.run(context, {}) == partial);
    CHECK(out.str() == row.name);
  }
  Words words("fettle try", "Tries a table.");
  const Verbs verb(picks, words);
  CHECK(read(words, {}).code == usage);
}
