// Words: what a sub-command takes from its command line. It describes each flag, option, positional and verb,
// then reads them, and ends where reading says so. The only door to CLI11 is words.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "cli/command.h"

namespace fettle::cli {

// One flag, option or positional. What is said of it here stands in --help, and is checked when it is read.
class Word {
 public:
  struct Behind;
  explicit Word(const Behind& behind);
  Word(const Word&) = delete;
  Word& operator=(const Word&) = delete;
  ~Word();

  Word& required();
  Word& hidden();  // not in --help: for ourselves
  Word& single();  // of some texts: at most one
  Word& type_name(const std::string& name);
  Word& shows_default(const std::string& text);
  Word& among(const std::vector<std::string>& choices);
  Word& within(int lowest, int highest);
  Word& within(unsigned lowest, unsigned highest);
  Word& needs(const Word& other);
  Word& excludes(const Word& other);

  bool is_given() const;

 private:
  std::unique_ptr<Behind> behind_;
};

// What a flag answers to a question that may stay open.
enum class Says { yes, no };

// How a mistake in the words is told: in one sentence that points to --help, or as every other error of
// fettle, which is JSON with --json.
enum class Mistakes { as_sentence, as_error };

class Words {
 public:
  struct Behind;
  // `name` is "fettle status".
  Words(const std::string& name, const std::string& says);
  explicit Words(std::unique_ptr<Behind> behind);  // of a verb or a group
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;
  ~Words();

  // "--name", "-n,--name", or "NAME" for a positional. The value stays as it is when nothing is given. Values
  // in use: a text, some texts, unsigned (also optional), std::uint64_t, and Bytes, which are typed as
  // "200MiB".
  template <class Value>
  Word& option(const std::string& name, Value& value, const std::string& says = {});
  Word& option(const std::string& name, Bytes& value, const std::string& says = {});
  Word& flag(const std::string& name, bool& is_given, const std::string& says);
  Word& flag(const std::string& name, std::optional<bool>& open, Says answer, const std::string& says);

  // The flags of which exactly one has to be given.
  Words& one_of(const std::string& name);

  Words& verb(const std::string& name, const std::string& says);
  void needs_one_verb();
  void takes_at_most_one_verb();
  bool is_given() const;           // this verb
  std::string verb_given() const;  // the first of its verbs that is; empty when none is

  // Asked when everything is read: without it, `what` is told to be required.
  void demand(std::function<bool()> is_met, const std::string& what);

  // Nothing when the sub-command may go on; else its exit code: help was printed, or a mistake was told.
  std::optional<int> read(Context& context, const std::vector<std::string>& arguments,
                          Mistakes mistakes = Mistakes::as_sentence);

 private:
  std::unique_ptr<Behind> behind_;
};

}  // namespace fettle::cli
