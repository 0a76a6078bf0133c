#include "app/daemon.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <exception>

#include "app/notify.h"
#include "base/names.h"
#include "base/text.h"
#include "serve/ledger.h"

namespace fettle::app {
namespace {

constexpr std::string_view look_id = "daemon.look";
constexpr std::string_view reload_id = "config.reload";
constexpr std::string_view memory_id = "daemon.memory";

// On one page; the stream of events goes further back.
constexpr std::size_t events_on_page = 200;

Finding configuration_in_order() {
  return {Status::pass, "the configuration is in order", {}};
}

Finding of_complaints(const profile::Complaints& complaints) {
  Finding finding{Status::fail, "the new configuration has mistakes, so the last good one stays: ",
                  "`fettle profile check` shows them; `systemctl reload fettled` reads it again"};
  finding.says += complaints.empty() ? "it cannot be read" : profile::to_text(complaints.front());
  if (complaints.size() > 1) finding.says += " (and " + std::to_string(complaints.size() - 1) + " more)";
  return finding;
}

bool is_under_way(const serve::Shelf& shelf) {
  return shelf.progress == serve::Progress::waiting || shelf.progress == serve::Progress::working;
}

}  // namespace

Daemon::Daemon(boost::asio::io_context& loop, const system::Clock& clock, Log& log, Rooms rooms, Times times)
    : loop_(loop),
      clock_(clock),
      log_(log),
      rooms_(std::move(rooms)),
      times_(times),
      server_(loop, clock, {},
              {[this] { look(Depth::everything); }, [this] { was_read(); },
               [this](const serve::Refused& refused) { tell_refused(refused); },
               [this](const serve::Acknowledge& asked, const serve::Peer& peer) { acknowledge(asked, peer); },
               [this](const std::string& check, const serve::Peer& peer) { withdraw(check, peer); },
               [this](std::string_view level, const serve::Peer& peer) { set_log_level(level, peer); }}),
      signals_(loop),
      next_look_(loop),
      overdue_(loop),
      alive_(loop),
      started_at_(clock.now()) {}

Daemon::~Daemon() {
  if (worker_.joinable()) worker_.join();
}

profile::Complaints Daemon::start(serve::Sockets sockets, std::optional<gid_t> control_group) {
  profile::Loaded loaded = rooms_.load();
  if (!loaded.profile) return std::move(loaded.complaints);
  profile_ = std::move(*loaded.profile);
  configuration_ = configuration_in_order();
  sockets_ = std::move(sockets);
  control_group_ = control_group;
  inputs_.profile = profile_.name;
  inputs_.profile_file = profile_.file;
  inputs_.profile_chosen = profile_.chosen;
  inputs_.taken_steady = taken_ = clock_.steady();
  handle_signals();
  if (rooms_.remember) {
    recorder_.emplace(rooms_.remember, [this](Remembered remembered) {
      boost::asio::post(loop_,
                        [this, known = std::move(remembered)]() mutable { on_remembered(std::move(known)); });
    });
    recorder_->push({});
  }
  if (const auto watchdog = watchdog_time()) {
    alive_every_ = *watchdog / 2;
    keep_alive();
  }
  look(Depth::everything);
  return {};
}

void Daemon::handle_signals() {
  boost::system::error_code ignored;  // it can only fail for a number that is no signal
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number, ignored);
  signals_.async_wait([this](const boost::system::error_code& err, int signal) {
    if (err) return;
    if (signal == SIGHUP) {
      handle_signals();
      reload();
    } else {
      stop();
    }
  });
}

void Daemon::stop() {
  notify_stopping();
  log_.tell(Level::info, "stopping");
  keep_growth();
  server_.stop();
  loop_.stop();
}

void Daemon::reload() {
  notify_reloading();
  is_reloading_ = true;
  profile::Loaded loaded = rooms_.load();
  if (loaded.profile) {
    profile_ = std::move(*loaded.profile);
    configuration_ = configuration_in_order();
    log_.tell(Level::info, "the configuration was read again", {{"room", "profile"}});
  } else {
    configuration_ = of_complaints(loaded.complaints);
    for (const profile::Complaint& complaint : loaded.complaints) {
      log_.tell(Level::error, profile::to_text(complaint),
                {{"message", std::string(names::message_configuration)}, {"room", "profile"}});
    }
  }
  if (looking_) publish();  // systemd waits for the end of the reload, and that look may hang
  look(Depth::everything);
}

void Daemon::look(Depth depth) {
  if (looking_) {
    wanted_ = wanted_ ? std::max(*wanted_, depth) : depth;
    return;
  }
  looking_ = true;
  next_look_.cancel();
  look_began_ = clock_.steady();
  overdue_.expires_after(times_.overdue);
  overdue_.async_wait([this](const boost::system::error_code& err) {
    if (!err) on_overdue();
  });
  // The thread before has ended long ago. Joined when it has only just told its result, it would cost a
  // wake-up more.
  if (worker_.joinable()) worker_.join();
  worker_ = std::thread([this, depth, profile = profile_] {
    serve::Inputs inputs;
    try {
      inputs = rooms_.look(profile, depth);
    } catch (const std::exception& thrown) {
      inputs.taken_at = clock_.now();
      inputs.taken_steady = clock_.steady();
      inputs.findings.push_back({std::string(look_id),
                                 "looking at the node",
                                 {Status::unknown, "cannot look at the node: " + std::string(thrown.what()),
                                  "this is a defect of fettle: please report it"},
                                 clock_.now()});
    }
    boost::asio::post(
        loop_, [this, depth, seen = std::move(inputs)]() mutable { on_looked(std::move(seen), depth); });
  });
}

void Daemon::on_looked(serve::Inputs inputs, Depth depth) {
  looking_ = false;
  overdue_.cancel();
  if (is_overdue_)
    log_.tell(Level::info, "the look that was overdue came back", {{"check", std::string(look_id)}});
  is_overdue_ = false;
  const auto now = clock_.steady();
  inputs.took = std::chrono::duration_cast<std::chrono::milliseconds>(now - look_began_);
  log_.tell(Level::debug, "looked " +
                              std::string(depth == Depth::everything ? "at everything" : "at the reports") +
                              " in " + std::to_string(inputs.took.count()) +
                              " ms: " + count_of(inputs.findings.size(), "finding"));
  if (depth == Depth::everything) taken_ = look_began_;
  inputs_ = std::move(inputs);
  follow_growth();
  publish();
  if (const auto wanted = std::exchange(wanted_, std::nullopt)) look(*wanted);
}

void Daemon::follow_growth() {
  const serve::Followed followed = serve::follow(histories_, inputs_.shelves, clock_.now());
  if (growth_ == Growth::unknown) return;
  if (followed == serve::Followed::more) growth_ = Growth::more;
  const bool is_at_rest = std::none_of(inputs_.shelves.begin(), inputs_.shelves.end(), is_under_way);
  if (is_at_rest || clock_.steady() - growth_kept_at_ >= times_.growth) keep_growth();
}

void Daemon::keep_growth() {
  if (growth_ != Growth::more || !recorder_) return;
  growth_ = Growth::kept;
  growth_kept_at_ = clock_.steady();
  recorder_->push({{}, {}, {}, serve::to_growth(histories_)});
}

void Daemon::on_overdue() {
  is_overdue_ = true;
  log_.tell(Level::error, "a look at the node hangs: the node is unknown until it comes back",
            {{"message", std::string(names::message_hang)}, {"check", std::string(look_id)}});
  publish();
}

void Daemon::publish() {
  serve::Inputs inputs = inputs_;
  inputs.started_at = started_at_;
  inputs.refresh = std::chrono::duration_cast<std::chrono::seconds>(times_.idle);
  inputs.price = profile_.price;
  inputs.boots = boots_;
  inputs.first_boot = first_boot_;
  for (serve::Shelf& shelf : inputs.shelves) {
    const auto history = histories_.find(shelf.name);
    if (history != histories_.end()) shelf.history = history->second;
  }
  const auto shown = static_cast<std::ptrdiff_t>(std::min(events_.size(), events_on_page));
  inputs.events.assign(events_.end() - shown, events_.end());
  const auto now = clock_.now();
  end_acknowledgements(now);
  inputs.acknowledgements = acknowledgements_.all();
  inputs.made_at = now;
  if (trouble_) inputs.findings.push_back({std::string(memory_id), "what is remembered", *trouble_, now});
  inputs.findings.push_back({std::string(reload_id), "configuration", configuration_, now});
  if (is_overdue_) {
    inputs.findings.push_back(
        {std::string(look_id),
         "looking at the node",
         {Status::unknown, "a look at the node hangs, so what is told here is old",
          "look for a process of fettled in state D, and for a dead disk or mount in the kernel log"},
         now});
  }
  const auto snapshot = std::make_shared<const serve::Snapshot>(inputs);
  const serve::Verdict& verdict = snapshot->verdict();
  remember(tell_changes(inputs, verdict), inputs, verdict);
  published_ = snapshot;
  server_.publish(snapshot);
  const std::string line = std::string(serve::to_text(verdict.state)) + ": " + verdict.why;
  if (sockets_) {
    server_.listen(std::move(sockets_->status), serve::Socket::status);
    server_.listen(std::move(sockets_->control), serve::Socket::control, control_group_);
    sockets_.reset();
  }
  if (!is_ready_ || is_reloading_) {
    notify_ready(line);
  } else if (line != told_state_) {
    notify_status(line);
  }
  is_ready_ = true;
  is_reloading_ = false;
  told_state_ = line;
  plan_next(verdict.state);
}

void Daemon::plan_next(serve::State state) {
  if (looking_) return;
  bool unsettled = state == serve::State::starting;
  for (const serve::Shelf& shelf : inputs_.shelves) unsettled = unsettled || is_under_way(shelf);
  const auto age = clock_.steady() - taken_;
  const Depth depth =
      !unsettled || age + times_.reports >= times_.settling ? Depth::everything : Depth::reports;
  next_look_.expires_after(unsettled ? times_.reports : times_.idle);
  next_look_.async_wait([this, depth](const boost::system::error_code& err) {
    if (!err) look(depth);
  });
}

void Daemon::keep_alive() {
  notify_alive();
  alive_.expires_after(alive_every_);
  alive_.async_wait([this](const boost::system::error_code& err) {
    if (!err) keep_alive();
  });
}

void Daemon::was_read() {
  if (looking_ || clock_.steady() - taken_ < times_.interest) return;
  boost::asio::post(loop_, [this] {  // the answer goes out first
    if (!looking_) look(Depth::everything);
  });
}

std::vector<store::Event> Daemon::tell_changes(const serve::Inputs& inputs, const serve::Verdict& verdict) {
  std::vector<store::Event> events;
  const auto at = clock_.now();
  std::map<std::string, Status, std::less<>> now;
  for (const NamedFinding& named : inputs.findings) {
    const Finding& finding = named.finding;
    const bool is_fine = finding.status == Status::pass || finding.status == Status::not_applicable;
    const auto before = told_.find(named.id);
    // What is fine from the beginning is not worth a line.
    const bool is_news = before == told_.end() ? !is_fine : before->second != finding.status;
    const Pace::May may = is_news ? pace_.may_tell(named.id, clock_.steady()) : Pace::May::tell;
    if (may == Pace::May::hold) {
      if (before != told_.end()) now[named.id] = before->second;  // so it is news again with the next look
      continue;
    }
    now[named.id] = finding.status;
    if (!is_news) continue;
    const std::string often =
        may == Pace::May::tell_after_a_rest ? " (it changed often, which was not told)" : "";
    const std::string_view id = named.id;
    const std::string_view room = id.substr(0, id.find('.'));
    events.push_back({0, at, named.id, std::string(to_text(finding.status)) + ": " + finding.says + often});
    const std::string text = named.id + " is " + std::string(to_text(finding.status)) + ": " + finding.says +
                             often + (finding.hint.empty() ? "" : "\nhint: " + finding.hint);
    const std::string id_of_kind(names::message_check);
    const Level level = is_fine ? Level::info : Level::warning;
    if (room == "shelf" && room.size() < id.size()) {
      log_.tell(level, text,
                {{"message", id_of_kind},
                 {"room", "shelf"},
                 {"check", named.id},
                 {"shelf", std::string(id.substr(6))}});
    } else {
      log_.tell(level, text, {{"message", id_of_kind}, {"room", std::string(room)}, {"check", named.id}});
    }
  }
  told_ = std::move(now);
  const std::string state(serve::to_text(verdict.state));
  if (told_state_.rfind(state + ":", 0) != 0) {
    log_.tell(verdict.state == serve::State::failed ? Level::error : Level::info,
              "the node is " + state + ": " + verdict.why,
              {{"message", std::string(names::message_state)}, {"state", state}});
    events.push_back({0, at, "node", state + ": " + verdict.why});
  }
  return events;
}

void Daemon::remember(std::vector<store::Event> events, const serve::Inputs& inputs,
                      const serve::Verdict& verdict) {
  if (!recorder_) return;
  News news{std::move(events), {}, {}};
  if (!inputs.boot_id.empty() && inputs.uptime) {
    news.boot = {inputs.boot_id, inputs.taken_at - *inputs.uptime, {}, inputs.generation};
    for (store::Stage& stage : serve::stages_reached(inputs, verdict)) {
      if (stages_.insert(stage.name).second) news.boot.stages.push_back(std::move(stage));
    }
  }
  if (!news.events.empty() || !news.boot.stages.empty()) recorder_->push(std::move(news));
}

void Daemon::on_remembered(Remembered remembered) {
  server_.add_events(remembered.events);
  events_.insert(events_.end(), remembered.events.begin(), remembered.events.end());
  constexpr std::size_t kept = 2 * events_on_page;
  if (events_.size() > kept) events_.erase(events_.begin(), events_.end() - events_on_page);
  boots_ = std::move(remembered.boots);
  first_boot_ = std::move(remembered.first);
  trouble_ = std::move(remembered.trouble);
  if (remembered.acknowledgements) acknowledgements_.restore(std::move(*remembered.acknowledgements));
  if (growth_ == Growth::unknown) growth_ = histories_.empty() ? Growth::kept : Growth::more;
  if (remembered.growth) serve::restore(histories_, *remembered.growth, clock_.now());
  if (is_ready_) publish();
}

void Daemon::acknowledge(const serve::Acknowledge& asked, const serve::Peer& peer) {
  const auto now = clock_.now();
  const NamedFinding* const named = published_->finding(asked.check);
  if (named == nullptr) return;  // the answer was of this very snapshot
  change_acknowledgements(acknowledgements_.add(asked, *named, name_of(peer), now), peer);
}

void Daemon::withdraw(const std::string& check, const serve::Peer& peer) {
  change_acknowledgements(acknowledgements_.remove(check, name_of(peer), clock_.now()), peer);
}

void Daemon::change_acknowledgements(const std::optional<store::Event>& event, const serve::Peer& peer) {
  if (!event) return;
  log_.tell(Level::info, event->subject + " " + event->says,
            {{"message", std::string(names::message_acknowledged)},
             {"room", "serve"},
             {"check", event->subject},
             {"uid", std::to_string(peer.uid)},
             {"pid", std::to_string(peer.pid)}});
  if (recorder_) recorder_->push({{*event}, {}, acknowledgements_.all()});
  publish();
}

void Daemon::set_log_level(std::string_view word, const serve::Peer& peer) {
  const auto level = level_of(word);
  if (!level) return;  // the answer took only what is one
  const store::Event event{0, clock_.now(), "log", "level " + std::string(word) + " by " + name_of(peer)};
  log_.set_least(std::max(*level, Level::info));  // that it changes is told whatever comes after
  log_.tell(Level::info, "the log tells from " + std::string(word) + " on, for " + name_of(peer),
            {{"message", std::string(names::message_log_level)},
             {"room", "serve"},
             {"uid", std::to_string(peer.uid)},
             {"pid", std::to_string(peer.pid)}});
  log_.set_least(*level);
  if (recorder_) recorder_->push({{event}, {}, {}});
}

void Daemon::end_acknowledgements(std::chrono::system_clock::time_point now) {
  const std::vector<store::Event> ended = acknowledgements_.end(now);
  for (const store::Event& event : ended)
    log_.tell(
        Level::info, event.subject + " " + event.says,
        {{"message", std::string(names::message_acknowledged)}, {"room", "serve"}, {"check", event.subject}});
  if (!ended.empty() && recorder_) recorder_->push({ended, {}, acknowledgements_.all()});
}

void Daemon::tell_refused(const serve::Refused& refused) {
  std::string text = std::to_string(refused.status) + " for uid " + std::to_string(refused.peer.uid) +
                     " gid " + std::to_string(refused.peer.gid) + " pid " + std::to_string(refused.peer.pid) +
                     " on the " + (refused.socket == serve::Socket::control ? "control" : "status") +
                     " socket: " + refused.said;
  if (refused.unsaid > 0) text += " (and " + std::to_string(refused.unsaid) + " before it)";
  log_.tell(Level::warning, text,
            {{"message", std::string(names::message_refused)},
             {"room", "serve"},
             {"uid", std::to_string(refused.peer.uid)},
             {"pid", std::to_string(refused.peer.pid)}});
}

}  // namespace fettle::app
