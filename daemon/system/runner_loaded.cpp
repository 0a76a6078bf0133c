#include "system/runner_loaded.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <cstring>
#include <fstream>
#include <thread>

#include "base/fd.h"
#include "base/text.h"
#include "system/runner_child.h"
#include "system/runner_process.h"

namespace fettle::system {
namespace {

namespace asio = boost::asio;
namespace process = boost::process::v2;
using namespace std::chrono_literals;

// What the interpreter does. One message is one run: its words, and where its two outputs go. The fork
// becomes the program as if it had just been started: own group, ends with us, its own arguments. Forking is
// safe only while there is one thread.
constexpr const char* loader = R"(import sys
sys.path = [place for place in sys.path if place]
import ctypes, gc, importlib, os, runpy, socket
program, *modules = sys.argv[1:]
for module in modules:
    try:
        importlib.import_module(module)
    except ImportError:
        pass
if len(os.listdir("/proc/self/task")) > 1:
    sys.exit(1)
prctl, line, loaded = ctypes.CDLL(None).prctl, socket.socket(fileno=0), os.getpid()
gc.freeze()
while True:
    words, pipes, _, _ = socket.recv_fds(line, 1 << 20, 2)
    if not words:
        sys.exit(0)
    child = os.fork()
    if child == 0:
        break
    for end in pipes:
        os.close(end)
    try:
        os.setpgid(child, child)
    except OSError:
        pass
    line.send(b"began %d" % child)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    line.send(b"ended %d" % (code if code >= 0 else 128 - code))
os.setpgid(0, 0)
prctl(1, 9)
if os.getppid() != loaded:
    os._exit(1)
line.detach()
for number, end in enumerate([os.open(os.devnull, os.O_RDONLY), *pipes]):
    os.dup2(end, number)
    os.close(end)
sys.argv = [program, *words.decode(errors="surrogateescape").split("\0")]
runpy.run_path(program, run_name="__main__")
)";

constexpr int killed = 128 + SIGKILL;

// The interpreter with everything loaded. Ends with this object.
class Loaded {
 public:
  Loaded(pid_t pid, Fd line) : pid_(pid), line_(std::move(line)) {}
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;
  // Not for ever: it may hang in the kernel, and is left behind then.
  ~Loaded() {
    ::kill(-pid_, SIGKILL);
    for (int tries = 0; tries < 200 && ::waitpid(pid_, nullptr, WNOHANG) == 0; ++tries) {
      std::this_thread::sleep_for(10ms);
    }
  }

  pid_t pid() const { return pid_; }
  int line() const { return line_.get(); }

 private:
  pid_t pid_;
  Fd line_;
};

// What the loaded interpreter tells of one run.
class Told {
 public:
  Told(RunnerChild& child, int line) : child_(child), line_(child.loop(), ::dup(line)) {}

  void listen() {
    line_.async_read_some(asio::buffer(text_), [this](boost::system::error_code err, std::size_t got) {
      // With it ends whatever it has forked.
      if (err) return lost();
      const std::string_view text(text_.data(), got);
      const auto number = to_number<int>(text.substr(std::min(text.find(' ') + 1, got)));
      if (!number) return lost();
      if (text.starts_with("ended ")) return child_.ended(*number);
      began_ = true;
      child_.begin(*number);
      listen();
    });
  }

  // There was a fork that ran.
  bool began() const { return began_; }
  bool is_lost() const { return lost_; }

 private:
  void lost() {
    lost_ = true;
    child_.ended(killed);
  }

  RunnerChild& child_;
  asio::posix::stream_descriptor line_;
  std::array<char, 64> text_{};
  bool began_ = false;
  bool lost_ = false;
};

struct Pipe {
  Fd read, write;
};

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// One message with the words of a run and the ends of its outputs.
bool send(int line, const std::vector<std::string>& argv, const std::array<int, 2>& outputs) {
  std::string words;
  for (std::size_t i = 1; i < argv.size(); ++i)
    words.append(i == 1 ? "" : std::string(1, '\0')).append(argv[i]);
  iovec part{words.data(), words.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof outputs)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof outputs);
  std::memcpy(CMSG_DATA(header), outputs.data(), sizeof outputs);
  return ::sendmsg(line, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(words.size());
}

class LoadedRunner final : public Runner {
 public:
  LoadedRunner(Runner& plain, std::vector<std::string> modules)
      : plain_(plain), modules_(std::move(modules)) {}

  Result<Completed> run(const Command& command) override {
    auto done = try_loaded(command, nullptr);
    return done ? std::move(*done) : plain_.run(command);
  }

  Result<Completed> run_watched(const Command& command, const std::function<Verdict()>& watch) override {
    auto done = try_loaded(command, &watch);
    return done ? std::move(*done) : plain_.run_watched(command, watch);
  }

 private:
  // Nothing when the plain runner has to do it.
  std::optional<Result<Completed>> try_loaded(const Command& command, const std::function<Verdict()>* watch) {
    if (!able_ || command.argv.size() < 2) return std::nullopt;
    const bool is_fresh = !loaded_;
    if (is_fresh && !load(command)) {
      able_ = false;
      return std::nullopt;
    }
    if (command.argv[0] != program_ || command.env != environment_) return std::nullopt;
    auto out = make_pipe();
    auto err = make_pipe();
    if (!out || !err) return std::nullopt;
    RunnerChild child(command, watch);
    child.out().assign(out->read.release());
    child.err().assign(err->read.release());
    if (!send(loaded_->line(), command.argv, {out->write.get(), err->write.get()})) {
      loaded_.reset();
      return std::nullopt;
    }
    out->write = Fd();
    err->write = Fd();
    Told told(child, loaded_->line());
    told.listen();
    child.begin(loaded_->pid());
    auto end = child.wait();
    if (child.is_left_behind() || told.is_lost()) loaded_.reset();
    if (told.began() || !end) return end;
    // It ended before it could run anything.
    able_ = able_ && !is_fresh;
    return std::nullopt;
  }

  bool load(const Command& command) {
    std::ifstream script(command.argv[0], std::ios::binary);
    std::string first(256, '\0');
    script.read(first.data(), static_cast<std::streamsize>(first.size()));
    first.resize(static_cast<std::size_t>(script.gcount()));
    std::vector<std::string> words = python_of(first.substr(0, first.find('\n')));
    if (words.empty()) return false;
    words.insert(words.end(), {"-c", loader, command.argv[0]});
    words.insert(words.end(), modules_.begin(), modules_.end());
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
    Fd ours(ends[0]);
    const Fd theirs(ends[1]);
    try {
      asio::io_context loop;
      process::process started(loop, words[0], std::vector<std::string>(words.begin() + 1, words.end()),
                               process::process_stdio{theirs.get(), nullptr, nullptr}, Environment(command),
                               OwnGroup{});
      const pid_t pid = started.id();
      ::setpgid(pid, pid);
      started.detach();
      loaded_ = std::make_unique<Loaded>(pid, std::move(ours));
    } catch (const boost::system::system_error&) {
      return false;
    }
    program_ = command.argv[0];
    environment_ = command.env;
    return true;
  }

  Runner& plain_;
  std::vector<std::string> modules_;
  bool able_ = true;
  std::string program_;
  std::map<std::string, std::string> environment_;
  std::unique_ptr<Loaded> loaded_;
};

}  // namespace

std::unique_ptr<Runner> make_loaded_runner(Runner& plain, std::vector<std::string> modules) {
  return std::make_unique<LoadedRunner>(plain, std::move(modules));
}

std::vector<std::string> python_of(std::string_view first_line) {
  if (!first_line.starts_with("#!")) return {};
  first_line = trim(first_line.substr(2));
  const auto blank = first_line.find_first_of(" \t");
  const std::string_view interpreter = first_line.substr(0, blank);
  // As the kernel does it: everything behind the blank is one word.
  const std::string_view option =
      blank == std::string_view::npos ? std::string_view() : trim(first_line.substr(blank));
  if (!interpreter.starts_with("/")) return {};
  const std::string_view name = interpreter.substr(interpreter.rfind('/') + 1);
  if (!name.starts_with("python") && !(name == "env" && option.starts_with("python"))) return {};
  std::vector<std::string> words{std::string(interpreter)};
  if (!option.empty()) words.emplace_back(option);
  return words;
}

}  // namespace fettle::system
