// Status screen: the terminal while `fettle status --watch` has it, given back whole whatever ends the
// program.
#pragma once

#include <chrono>
#include <iosfwd>
#include <memory>
#include <string_view>

#include "cli/status_frame.h"

namespace fettle::cli {

// Takes the alternate screen, hides the cursor and reads keys without Enter; the destructor puts all back.
class StatusScreen {
 public:
  explicit StatusScreen(std::ostream& out);
  ~StatusScreen();
  StatusScreen(const StatusScreen&) = delete;
  StatusScreen& operator=(const StatusScreen&) = delete;

  // Now: a window may have another size at each frame.
  ScreenSize size() const;

  // No when keys come from elsewhere than a terminal.
  bool hears_keys() const;

  void draw(std::string_view frame);

  enum class Told { redraw, quit };

  // Until q, another size of the window, or the time is over. A signal that ends the program gives the
  // terminal back first, and then ends it as it would have; Ctrl-Z does so until the program goes on.
  Told wait(std::chrono::milliseconds time);

 private:
  struct State;

  void take();
  void give_back();
  Told obey(int signal);

  std::ostream& out_;
  std::unique_ptr<State> state_;
};

}  // namespace fettle::cli
