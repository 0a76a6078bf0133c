// Scrub: names that tell one machine or person from another are replaced, each by the same made-up one
// wherever it stands. Numbers are given in the order in which names come, so that nothing can be computed
// back.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace fettle::facts {

// What a text is: the values of sysfs have no addresses and no host names in them, but versions that look
// like some.
enum class TextKind { value, prose };

class Scrub {
 public:
  // A name that the machine has given away in a file of its own: its serial, its host name. The sort is the
  // word of the list of what was replaced: "serial", "host".
  void learn(std::string_view sort, std::string_view name);

  // A serial number that one file writes in decimal and another with sixteen hexadecimal digits: both get the
  // same.
  void learn_number(std::string_view decimal);

  // What a JSON text of ours calls serial, machine_id and the like is learned.
  void learn_json(std::string_view text);

  std::string text(std::string_view text, TextKind kind);

  // The made-up name of one that is learned or not: of the same length and make where that matters.
  std::string alias(std::string_view sort, std::string_view name);

  // How many different names of each sort were replaced.
  std::map<std::string, std::uint64_t> counts() const;

 private:
  std::string word(std::string_view word, TextKind kind);

  std::map<std::string, std::map<std::string, std::string, std::less<>>, std::less<>> aliases_;  // by sort
  std::map<std::string, std::string, std::less<>> learned_;  // name -> sort
};

}  // namespace fettle::facts
