// Hub: the fake hub as a child of one test, with the stand-in of the client beside it; ends with the test.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/json.h"
#include "support/source.h"

namespace fettle::test {

class Hub {
 public:
  // Where the large files lie: behind redirects, or in a content-addressed storage too, as on the real hub.
  enum class Storage { plain, xet };

  // `directory` belongs to the test and goes away with it. "--large" makes the weights 200 times as large.
  explicit Hub(const std::string& directory, const std::string& size = {}, Storage storage = Storage::plain)
      : faults_(directory + "/hub-faults.json"), log_(directory + "/hub.log") {
    const std::string content = directory + "/hub-content";
    const std::string make = "python3 '" + tool("tiny_content.py") + "' '" + content + "' " + size;
    if (std::system(make.c_str()) != 0) throw std::runtime_error("cannot run python3");
    faults("[]");
    std::vector<std::string> words{
        "python3", tool("fake_hub.py"), "--content", content, "--faults", faults_, "--log",
        log_,      "--lifetime",        "300"};
    if (storage == Storage::xet) words.emplace_back("--xet");
    start(words);
  }
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub() { stop(); }

  static std::string client() { return tool("stub_hf"); }
  const std::string& endpoint() const { return endpoint_; }
  std::string revision(const std::string& repository) const { return revisions_.at(repository); }

  // See fake_hub.py; replaced in one step, because the hub may be reading it.
  void faults(const std::string& json) const {
    std::ofstream(faults_ + ".new") << json;
    std::filesystem::rename(faults_ + ".new", faults_);
  }

  // How many requests so far contain `word`: "GET /bridge/".
  int requests(const std::string& word) const {
    std::ifstream log(log_);
    int count = 0;
    for (std::string line; std::getline(log, line);) count += line.find(word) != std::string::npos ? 1 : 0;
    return count;
  }

  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  static std::string tool(const std::string& name) {
    return fettle::test::tests_dir().string() + "/hub/" + name;
  }

  void start(const std::vector<std::string>& words) {
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) throw std::runtime_error("pipe");
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(pipe[1], STDOUT_FILENO);
      ::close(pipe[0]);
      std::vector<char*> arguments;
      for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
      arguments.push_back(nullptr);
      ::execvp(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(pipe[1]);
    std::string line;
    for (char c = 0; ::read(pipe[0], &c, 1) == 1 && c != '\n';) line += c;
    ::close(pipe[0]);
    const auto told = parse_json(line, "what the fake hub tells");
    if (!told) throw std::runtime_error("the fake hub did not start: " + line);
    endpoint_ = json_text(*told, "endpoint");
    for (const auto& [name, revision] : json_field(*told, "revisions")->as_object()) {
      revisions_[name] = std::string(revision.as_string());
    }
  }

  std::string faults_;
  std::string log_;
  std::string endpoint_;
  std::map<std::string, std::string> revisions_;
  pid_t pid_ = 0;
};

}  // namespace fettle::test
