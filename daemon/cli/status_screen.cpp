#include "cli/status_screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <ostream>

#include "base/fd.h"

namespace fettle::cli {
namespace {

constexpr std::string_view taken = "\x1B[?1049h\x1B[?25l";  // the other screen, no cursor
constexpr std::string_view given_back = "\x1B[?25h\x1B[?1049l";

// Those that end a program, or stop it, as long as nobody asked for something else. Ctrl-Z is SIGTSTP.
constexpr std::array signals{SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE,
                             SIGALRM, SIGUSR1, SIGUSR2, SIGTSTP, SIGWINCH};

sigset_t all_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

}  // namespace

struct StatusScreen::State {
  Fd signals;
  sigset_t mask_before{};
  std::optional<termios> mode_before;  // nothing when no keys can be read
};

StatusScreen::StatusScreen(std::ostream& out) : out_(out), state_(std::make_unique<State>()) {
  const sigset_t set = all_signals();
  ::sigprocmask(SIG_BLOCK, &set, &state_->mask_before);
  state_->signals = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  take();
}

StatusScreen::~StatusScreen() {
  give_back();
  ::sigprocmask(SIG_SETMASK, &state_->mask_before, nullptr);
}

void StatusScreen::take() {
  termios mode{};
  if (::tcgetattr(STDIN_FILENO, &mode) == 0) {
    state_->mode_before = mode;
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &mode);
  }
  draw(taken);
}

void StatusScreen::give_back() {
  draw(given_back);
  if (state_->mode_before) ::tcsetattr(STDIN_FILENO, TCSANOW, &*state_->mode_before);
}

ScreenSize StatusScreen::size() const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void StatusScreen::draw(std::string_view frame) {
  out_ << frame;
  out_.flush();
}

StatusScreen::Told StatusScreen::obey(int signal) {
  if (signal == SIGWINCH) return Told::redraw;
  give_back();
  if (signal == SIGTSTP) {
    ::raise(SIGSTOP);  // SIGTSTP itself is held back
    take();            // here it goes on
    return Told::redraw;
  }
  // As if it had never been held back: whoever started us sees what ended us.
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  ::sigprocmask(SIG_SETMASK, &state_->mask_before, nullptr);
  return Told::quit;  // only when somebody held the signal back before us
}

bool StatusScreen::hears_keys() const {
  return state_->mode_before.has_value();
}

StatusScreen::Told StatusScreen::wait(std::chrono::milliseconds time) {
  std::array<pollfd, 2> watched{pollfd{state_->signals.get(), POLLIN, 0},
                                pollfd{state_->mode_before ? STDIN_FILENO : -1, POLLIN, 0}};
  if (::poll(watched.data(), watched.size(), static_cast<int>(time.count())) <= 0) return Told::redraw;
  signalfd_siginfo told{};
  while (::read(state_->signals.get(), &told, sizeof told) == sizeof told) {
    if (obey(static_cast<int>(told.ssi_signo)) == Told::quit) return Told::quit;
  }
  if (watched[1].revents == 0) return Told::redraw;
  char key = 0;
  const ssize_t length = ::read(STDIN_FILENO, &key, 1);
  const bool is_over =
      length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR);  // the terminal is gone
  return is_over || key == 'q' || key == 'Q' ? Told::quit : Told::redraw;
}

}  // namespace fettle::cli
