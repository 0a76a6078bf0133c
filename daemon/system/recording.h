// Recording: every path that Files is asked for in this thread while it lives, and how. A capture of the
// machine is made of what the readers looked at, so that a new reader needs no second list.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace fettle::system {

// How a path was looked at; several ways add up.
struct Touched {
  bool content = false;  // its text
  bool names = false;    // what is in it
  bool itself = false;   // what it is, a link not followed
  bool opened = false;   // a descriptor of it
};

class Recording {
 public:
  Recording();
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  const std::map<std::string, Touched>& paths() const { return paths_; }

  // The entry of a path in the innermost recording, or null when none is made: for Files.
  static Touched* note(std::string_view path);

 private:
  std::map<std::string, Touched> paths_;
  Recording* outer_;
};

}  // namespace fettle::system
