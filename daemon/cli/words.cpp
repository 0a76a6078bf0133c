#include "cli/words.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <list>
#include <ostream>
#include <utility>

namespace fettle::cli {

struct Word::Behind {
  CLI::Option* option;
};

struct Words::Behind {
  std::unique_ptr<CLI::App> own;  // of a whole sub-command; a verb's belongs to the one above it
  CLI::App* app;
  std::list<Word> words;
  std::list<Words> parts;  // verbs and groups
  bool has_group = false;

  explicit Behind(std::unique_ptr<CLI::App> whole) : own(std::move(whole)), app(own.get()) {}
  explicit Behind(CLI::App* part) : app(part) {}

  Word& add(CLI::Option* option) { return words.emplace_back(Word::Behind{option}); }
  Words& add(CLI::App* part) { return parts.emplace_back(std::make_unique<Behind>(part)); }
};

Word::Word(const Behind& behind) : behind_(std::make_unique<Behind>(behind)) {}
Word::~Word() = default;

Word& Word::required() {
  behind_->option->required();
  return *this;
}

Word& Word::hidden() {
  behind_->option->group("");
  return *this;
}

Word& Word::single() {
  behind_->option->expected(1);
  return *this;
}

Word& Word::type_name(const std::string& name) {
  behind_->option->type_name(name);
  return *this;
}

Word& Word::shows_default(const std::string& text) {
  behind_->option->default_str(text);
  return *this;
}

Word& Word::among(const std::vector<std::string>& choices) {
  behind_->option->check(CLI::IsMember(choices));
  return *this;
}

Word& Word::within(int lowest, int highest) {
  behind_->option->check(CLI::Range(lowest, highest));
  return *this;
}

Word& Word::within(unsigned lowest, unsigned highest) {
  behind_->option->check(CLI::Range(lowest, highest));
  return *this;
}

Word& Word::needs(const Word& other) {
  behind_->option->needs(other.behind_->option);
  return *this;
}

Word& Word::excludes(const Word& other) {
  behind_->option->excludes(other.behind_->option);
  return *this;
}

bool Word::is_given() const {
  return behind_->option->count() > 0;
}

Words::Words(const std::string& name, const std::string& says)
    : Words(std::make_unique<Behind>(std::make_unique<CLI::App>(says, name))) {}
Words::Words(std::unique_ptr<Behind> behind) : behind_(std::move(behind)) {}
Words::~Words() = default;

template <class Value>
Word& Words::option(const std::string& name, Value& value, const std::string& says) {
  return behind_->add(behind_->app->add_option(name, value, says));
}

Word& Words::option(const std::string& name, Bytes& value, const std::string& says) {
  CLI::Option* const option = behind_->app->add_option_function<std::string>(
      name, [&value](const std::string& text) { value = *parse_bytes(text); }, says);
  option->check([](const std::string& text) {
    const auto bytes = parse_bytes(text);
    return bytes ? std::string() : bytes.error().said;
  });
  return behind_->add(option);
}

template Word& Words::option(const std::string&, std::string&, const std::string&);
template Word& Words::option(const std::string&, std::vector<std::string>&, const std::string&);
template Word& Words::option(const std::string&, unsigned&, const std::string&);
template Word& Words::option(const std::string&, std::optional<unsigned>&, const std::string&);
template Word& Words::option(const std::string&, std::uint64_t&, const std::string&);

Word& Words::flag(const std::string& name, bool& is_given, const std::string& says) {
  return behind_->add(behind_->app->add_flag(name, is_given, says));
}

// A flag of a bool would be false when nobody gives it; nothing is neither.
Word& Words::flag(const std::string& name, std::optional<bool>& open, Says answer, const std::string& says) {
  return behind_->add(behind_->app->add_flag_callback(
      name, [&open, answer] { open = answer == Says::yes; }, says));
}

Words& Words::one_of(const std::string& name) {
  CLI::App* const group = behind_->app->add_option_group(name);
  group->require_option(1);
  behind_->has_group = true;
  return behind_->add(group);
}

Words& Words::verb(const std::string& name, const std::string& says) {
  return behind_->add(behind_->app->add_subcommand(name, says));
}

void Words::needs_one_verb() {
  behind_->app->require_subcommand(1);
}

void Words::takes_at_most_one_verb() {
  behind_->app->require_subcommand(0, 1);
}

bool Words::is_given() const {
  return behind_->app->parsed();
}

std::string Words::verb_given() const {
  const auto given = behind_->app->get_subcommands();
  return given.empty() ? std::string() : given.front()->get_name();
}

void Words::demand(std::function<bool()> is_met, const std::string& what) {
  behind_->app->callback([is_met = std::move(is_met), what] {
    if (!is_met()) throw CLI::RequiredError(what);
  });
}

std::optional<int> Words::read(Context& context, const std::vector<std::string>& arguments,
                               Mistakes mistakes) {
  CLI::App& app = *behind_->app;
  try {
    // CLI11 takes an empty word for the name of a group, which has none, and then turns in circles.
    if (behind_->has_group && std::count(arguments.begin(), arguments.end(), std::string()) > 0)
      throw CLI::ExtrasError({std::string()});
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    context.out << app.help();
    return ok;
  } catch (const CLI::ParseError& error) {
    if (mistakes == Mistakes::as_error)
      return report(context, {Why::malformed, error.what(), "`" + app.get_name() + " --help` tells more"},
                    usage);
    app.exit(error, context.out, context.err);
    return usage;
  }
}

}  // namespace fettle::cli
