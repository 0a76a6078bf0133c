#include "system/runner_child.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

namespace fettle::system {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr Bytes output_limit = 8_MiB;
constexpr auto grace_after_sigterm = 10s;
// A process that waits for a dead drive does not even die of SIGKILL.
constexpr auto grace_after_sigkill = 2s;
constexpr auto watch_interval = 1s;

}  // namespace

Environment::Environment(const Command& command) {
  auto env = command.env;
  env.emplace("LC_ALL", "C.UTF-8");
  env.emplace("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
  for (const auto& [name, value] : env) entries_.emplace_back(name).append("=").append(value);
  for (const std::string& entry : entries_) pointers_.push_back(entry.c_str());
  pointers_.push_back(nullptr);
}

void Collector::start() {
  pipe_.async_read_some(asio::buffer(chunk_), [this](boost::system::error_code err, std::size_t got) {
    keep({chunk_.data(), got});
    if (!err) start();
  });
}

std::string Collector::take() {
  if (cut_) text_ += "\n[cut after " + fettle::to_text(output_limit) + "]\n";
  return std::move(text_);
}

void Collector::keep(std::string_view got) {
  const std::size_t room = output_limit.count - text_.size();
  cut_ = cut_ || got.size() > room;
  text_.append(got.substr(0, room));
}

RunnerChild::RunnerChild(const Command& command, const std::function<Verdict()>* watch)
    : command_(command), watch_(watch), out_(loop_), err_(loop_), deadline_(loop_), asking_(loop_) {}

void RunnerChild::begin(pid_t group) {
  const pid_t before = std::exchange(group_, group);
  if (before != 0) {
    // Whoever was told to stand still or to end may be the wrong one by now.
    if (before_ == Verdict::pause) {
      ::kill(-before, SIGCONT);
      ::kill(-group, SIGSTOP);
    }
    if (ending_ != Ending::by_itself) ::kill(-group, SIGKILL);
    return;
  }
  out_.start();
  err_.start();
  deadline_.expires_after(command_.deadline);
  deadline_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) end_group(Ending::deadline);
  });
  if (watch_ != nullptr) ask();
}

void RunnerChild::ask() {
  asking_.expires_after(watch_interval);
  asking_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    const Verdict verdict = (*watch_)();
    if (verdict == Verdict::stop) {
      deadline_.cancel();
      end_group(Ending::stopped);
      return;
    }
    if (verdict != before_) ::kill(-group_, verdict == Verdict::pause ? SIGSTOP : SIGCONT);
    before_ = verdict;
    ask();
  });
}

void RunnerChild::end_group(Ending why) {
  ending_ = why;
  asking_.cancel();
  ::kill(-group_, SIGTERM);
  ::kill(-group_, SIGCONT);  // a paused one hears of it only then
  deadline_.expires_after(grace_after_sigterm);
  deadline_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    ::kill(-group_, SIGKILL);
    deadline_.expires_after(grace_after_sigkill);
    deadline_.async_wait([this](boost::system::error_code also_cancelled) {
      if (!also_cancelled) loop_.stop();
    });
  });
}

void RunnerChild::ended(int exit_code) {
  exit_code_ = exit_code;
  deadline_.cancel();
  asking_.cancel();
  // A grandchild may hold the pipes open for ever: what is left of the group ends with the child.
  ::kill(-group_, SIGKILL);
}

Result<Completed> RunnerChild::wait() {
  loop_.run();
  const std::string what = "cannot finish '" + to_text(command_) + "'";
  const std::string within = " within " + std::to_string(command_.deadline.count()) + " s: ";
  if (!exit_code_) {
    return fail(Why::timed_out, what + within + "it hangs in the kernel, where nothing can end it");
  }
  if (ending_ == Ending::deadline) return fail(Why::timed_out, what + within + "it was stopped");
  if (ending_ == Ending::stopped) return fail(Why::refused, what + ": it was stopped on request");
  return Completed{*exit_code_, out_.take(), err_.take()};
}

}  // namespace fettle::system
