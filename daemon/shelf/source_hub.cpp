// The hub source: the real client as a supervised child. It downloads; everything that it does not do stands
// here: planning, watching, stopping a child that hangs, and telling what its end means.
#include <algorithm>
#include <array>
#include <optional>

#include "base/json.h"
#include "base/text.h"
#include "shelf/client.h"
#include "shelf/source.h"

namespace fettle::shelf {
namespace {

using namespace std::chrono_literals;

constexpr auto question_deadline = 300s;  // a list of 20,000 files comes in 200 pages
// A child that makes progress may take days; one that does not is stopped by the watchdog.
constexpr auto download_deadline = std::chrono::hours(24 * 14);
constexpr auto after_stall = 60s;
constexpr auto between_tries = 2s;
constexpr auto well_for_a_while = 60s;
// The plain path of the client refuses larger files (50 * 10^9 bytes).
constexpr Bytes plain_limit{50'000'000'000};

// The client's command line; with it comes all that a download needs, except hf_xet, which starts threads.
constexpr std::string_view client_module = "huggingface_hub.cli.hf";

// After a stall the second attempt goes without the xet protocol, where most hangs come from.
enum class Attempt { normal, without_xet };
constexpr std::array attempts{Attempt::normal, Attempt::without_xet};

class HubSource final : public Source {
 public:
  explicit HubSource(const Work& work)
      : loaded_(work.system.runner.keeping_loaded({std::string(client_module)})),
        system_{work.system.files, loaded_ ? *loaded_ : work.system.runner, work.system.clock},
        work_{system_,   work.shelf,    work.options, work.layout, work.directory_mode,
              work.tick, work.stop_now, work.pause} {}

  Step<std::vector<profile::Repository>> repositories() override { return work_.shelf.repositories; }

  Step<Manifest> resolve(const profile::Repository& repository) override {
    if (auto fine = check_id(repository.id); !fine) return stopped(State::failed, fine.error());
    Manifest manifest{repository.id, repository.revision, "main", {}};
    if (!is_commit(repository.revision)) {
      manifest.ref = repository.revision;
      auto commit = commit_of(repository);
      if (!commit) return tl::unexpected<Stopped>(commit.error());
      manifest.revision = *commit;
    }
    const std::string doing = "list the files of '" + repository.id + "'";
    const auto answer = ask(doing, {"models", "ls", repository.id, "-R", "--revision", manifest.revision});
    if (!answer) return tl::unexpected<Stopped>(answer.error());
    auto files = parse_listing(*answer, repository.id);
    if (!files) return stopped(State::failed, files.error());
    manifest.files = select(std::move(*files), repository.include, repository.exclude);
    if (auto fine = check(manifest); !fine) return stopped(State::failed, fine.error());
    return manifest;
  }

  bool takes_small_first() const override { return true; }
  bool renames_when_whole() const override { return true; }

  Step<void> fetch(const Manifest& manifest, const profile::Repository& repository,
                   const std::vector<File>& missing, Part part) override {
    auto client = this->client();
    if (!client) return tl::unexpected<Stopped>(client.error());
    for (const Attempt attempt : attempts) {
      if (attempt == Attempt::without_xet && missing.front().size > plain_limit) break;
      const auto done =
          insist(*client, manifest, repository, attempt, part == Part::small ? missing : std::vector<File>());
      if (done) return {};
      if (done.error().error.why != Why::timed_out || !stalled_) return tl::unexpected<Stopped>(done.error());
    }
    return stopped(State::held, stall_error(manifest), after_stall);
  }

 private:
  Step<Client> client() {
    if (client_) return *client_;
    if (auto token = check_token(work_.system.files, work_.shelf.name); !token) {
      return stopped(State::failed, token.error());
    }
    auto found = find_client(work_);
    if (!found) return stopped(State::failed, found.error());
    client_ = *found;
    return *client_;
  }

  Step<std::string> commit_of(const profile::Repository& repository) {
    const std::string doing = "find the commit of '" + repository.id + "' at '" + repository.revision + "'";
    const auto answer = ask(doing, {"models", "info", repository.id, "--revision", repository.revision});
    if (!answer) return tl::unexpected<Stopped>(answer.error());
    const auto info = parse_json(*answer, "the hub's answer about '" + repository.id + "'");
    if (!info) return stopped(State::failed, info.error());
    const std::string commit = json_text(*info, "sha");
    if (is_commit(commit)) return commit;
    return stopped(State::failed,
                   {Why::malformed, "cannot " + doing + ": the hub's answer has no commit", {}});
  }

  // One question to the hub; its answer's text.
  Step<std::string> ask(const std::string& doing, std::vector<std::string> words) {
    auto client = this->client();
    if (!client) return tl::unexpected<Stopped>(client.error());
    words.insert(words.begin(), client->program);
    words.insert(words.end(), {"--format", "json"});
    const system::Command command{std::move(words), client_environment(work_), question_deadline};
    const auto answer = work_.system.runner.run_watched(command, [this] {
      work_.tick();
      return work_.stop_now() == nullptr ? system::Verdict::go_on : system::Verdict::stop;
    });
    if (const Stopped* const now = work_.stop_now()) return tl::unexpected<Stopped>(*now);
    if (!answer) {
      return stopped(answer.error().why == Why::timed_out ? State::held : State::failed,
                     while_doing(doing, answer.error()), after_stall);
    }
    if (answer->exit_code != 0)
      return tl::unexpected<Stopped>(classify(doing, answer->exit_code, answer->err));
    return answer->out;
  }

  // Once more while the connection breaks: a service that is started anew comes back half a minute later. And
  // at once with more patience when the client had too little.
  Step<void> insist(const Client& client, const Manifest& manifest, const profile::Repository& repository,
                    Attempt attempt, const std::vector<File>& only) {
    const system::Clock& clock = work_.system.clock;
    auto patience = Patience::brief;
    for (auto since = clock.steady();;) {
      if (const auto freed =
              remove_orphans(work_.system.files, work_.system.clock, work_.layout, manifest.id);
          !freed) {
        return stopped(State::failed, freed.error());
      }
      const auto begun = clock.steady();
      auto done = download(client, manifest, repository, attempt, only, patience);
      if (!done && done.error().error.why == Why::timed_out && !stalled_ && patience == Patience::brief &&
          work_.stop_now() == nullptr) {
        patience = Patience::ample;
        continue;
      }
      if (done || done.error().again != Stopped::Again::soon || work_.stop_now() != nullptr) return done;
      if (clock.steady() - begun >= well_for_a_while) since = clock.steady();
      if (clock.steady() - since >= work_.options.insist) return done;
      for (const auto end = clock.steady() + between_tries;
           clock.steady() < end && work_.stop_now() == nullptr;) {
        work_.system.clock.sleep_for(100ms);
        work_.tick();
      }
    }
  }

  Step<void> download(const Client& client, const Manifest& manifest, const profile::Repository& repository,
                      Attempt attempt, const std::vector<File>& only, Patience patience) {
    system::Command command{{client.program, "download", manifest.id, "--revision", manifest.revision,
                             "--format", "json", "--max-workers", std::to_string(workers())},
                            client_environment(work_, patience),
                            download_deadline};
    if (only.empty()) {
      for (const std::string& pattern : repository.include)
        command.argv.insert(command.argv.end(), {"--include", pattern});
      for (const std::string& pattern : repository.exclude)
        command.argv.insert(command.argv.end(), {"--exclude", pattern});
    }
    for (const File& file : only) command.argv.push_back(file.path);
    if (attempt == Attempt::without_xet) command.env["HF_HUB_DISABLE_XET"] = "1";
    stalled_ = false;
    Bytes last;
    auto last_growth = work_.system.clock.steady();
    const auto done = work_.system.runner.run_watched(command, [&] {
      const Bytes now = work_.tick();
      if (now != last) {
        last = now;
        last_growth = work_.system.clock.steady();
      }
      const bool is_paused = work_.pause().count() > 0;
      if (is_paused) last_growth = work_.system.clock.steady();  // it stands still because we want it to
      stalled_ = work_.system.clock.steady() - last_growth >= work_.options.stall;
      if (stalled_ || work_.stop_now() != nullptr) return system::Verdict::stop;
      return is_paused ? system::Verdict::pause : system::Verdict::go_on;
    });
    if (const Stopped* const now = work_.stop_now()) return tl::unexpected<Stopped>(*now);
    const std::string doing = "download '" + manifest.id + "'";
    if (!done && stalled_) return stopped(State::held, stall_error(manifest), after_stall);
    if (!done) return stopped(State::failed, while_doing(doing, done.error()));
    // Exit code 0 only claims success: the worker looks at the disk.
    if (done->exit_code == 0) return {};
    return tl::unexpected<Stopped>(classify(doing, done->exit_code, done->err));
  }

  // The client has no limit of its own: it is paused whenever it was faster. With few connections little
  // comes between two looks.
  unsigned workers() const {
    constexpr unsigned at_a_rate = 2;
    const unsigned most = work_.options.max_workers;
    return work_.shelf.rate.count > 0 ? std::min(most, at_a_rate) : most;
  }

  Error stall_error(const Manifest& manifest) const {
    return {Why::timed_out,
            "cannot download '" + manifest.id + "': no byte came for " +
                std::to_string(work_.options.stall.count()) + " s, the client was stopped",
            "is the hub reachable from this node? the worker tries again by itself"};
  }

  // Each start of the client costs half a second of loading: it is asked for its version, for each list of
  // files, for small files and for the others, and pays once for all of them.
  std::unique_ptr<system::Runner> loaded_;
  system::System system_;
  Work work_;
  std::optional<Client> client_;
  bool stalled_ = false;
};

}  // namespace

std::unique_ptr<Source> make_hub_source(const Work& work) {
  return std::make_unique<HubSource>(work);
}

}  // namespace fettle::shelf
