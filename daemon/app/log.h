// Log: what the daemon tells, into the journal with fields, or on standard error for a person at a terminal.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace fettle::app {

// A promise to the operator is broken / the node is worse than wanted / something changed / the rest.
enum class Level { error, warning, info, debug };

std::optional<Level> level_of(std::string_view word);

// In the journal as FETTLE_ROOM=, FETTLE_CHECK=, FETTLE_SHELF=, FETTLE_UID= …
struct Field {
  std::string_view name;  // "room", "check", "shelf", "uid"; "message" is the MESSAGE_ID, of names::messages
  std::string value;
};

class Log {
 public:
  enum class Goes { to_journal, to_stderr };

  explicit Log(Goes goes, Level least = Level::info);

  // One line each: control characters are made visible, so that nothing said by a file or a client forges a
  // line.
  void tell(Level level, std::string_view text, std::initializer_list<Field> fields = {}) const;

  Level least() const { return least_; }
  void set_least(Level least) { least_ = least; }

 private:
  Goes goes_;
  Level least_;
};

// Where standard error leads: to the journal when it is the stream that systemd names in $JOURNAL_STREAM. A
// shell below a service inherits the variable but not the stream.
Log::Goes standard_error_goes(const char* journal_stream);

}  // namespace fettle::app
