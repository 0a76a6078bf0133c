// Daemon: the event loop of fettled: looks at the node in time, publishes what was seen, follows the
// configuration.
//
// One loop thread. A look runs on a thread of its own, never two at once, so that a read that hangs stops no
// answer: after `overdue` the last snapshot is published again with daemon.look unknown, and the node with
// it.
//
// Wake-ups of an idle node (ready, nobody asks): 2 of the loop and one thread a look, one of the watchdog: at
// most 0.04 a second with the times below (the promise is 0.05).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "app/acknowledgements.h"
#include "app/log.h"
#include "app/memory.h"
#include "app/pace.h"
#include "profile/load.h"
#include "profile/profile.h"
#include "serve/history.h"
#include "serve/server.h"
#include "serve/snapshot.h"
#include "serve/sockets.h"
#include "system/clock.h"

namespace fettle::app {

// `reports` reads only what provisioning and staging publish, and keeps the facts of the last look.
enum class Depth { reports, everything };

// What the daemon needs of the other rooms; tests give their own.
struct Rooms {
  std::function<profile::Loaded()> load;
  // On the look's thread. It fills all but started_at and refresh.
  std::function<serve::Inputs(const profile::Profile&, Depth)> look;
  // On the recorder's thread. Empty: nothing is remembered.
  Recorder::Remember remember;
};

struct Times {
  std::chrono::milliseconds idle{90000};     // between two looks when nothing is under way
  std::chrono::milliseconds settling{5000};  // while the node starts or a shelf is on its way …
  std::chrono::milliseconds reports{1000};   // … and between two looks at the reports then
  std::chrono::milliseconds interest{5000};  // an answer older than this makes a new look for the next reader
  std::chrono::milliseconds growth{60000};   // between two times that the growth of shelves is written down
  std::chrono::milliseconds overdue{10000};  // a look takes milliseconds; one that takes this long hangs
};

class Daemon {
 public:
  Daemon(boost::asio::io_context& loop, const system::Clock& clock, Log& log, Rooms rooms, Times times = {});
  ~Daemon();  // waits for a look that is under way
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Reads the configuration, and looks for the first time. The complaints when there are any; then nothing
  // runs.
  profile::Complaints start(serve::Sockets sockets, std::optional<gid_t> control_group);

  // SIGHUP: a configuration with mistakes is told, and the last good one stays.
  void reload();

  // SIGTERM: the loop ends.
  void stop();

  // A look or a commit that hangs outlives the loop; the process must then leave without waiting for it.
  bool is_looking() const { return looking_ || (recorder_ && recorder_->is_busy()); }

 private:
  void handle_signals();
  void look(Depth depth);
  void on_looked(serve::Inputs inputs, Depth depth);
  void on_overdue();
  void follow_growth();
  void keep_growth();
  void publish();
  void plan_next(serve::State state);
  void keep_alive();
  void was_read();
  std::vector<store::Event> tell_changes(const serve::Inputs& inputs, const serve::Verdict& verdict);
  void remember(std::vector<store::Event> events, const serve::Inputs& inputs, const serve::Verdict& verdict);
  void on_remembered(Remembered remembered);
  void acknowledge(const serve::Acknowledge& asked, const serve::Peer& peer);
  void withdraw(const std::string& check, const serve::Peer& peer);
  void change_acknowledgements(const std::optional<store::Event>& event, const serve::Peer& peer);
  void set_log_level(std::string_view word, const serve::Peer& peer);
  void end_acknowledgements(std::chrono::system_clock::time_point now);
  void tell_refused(const serve::Refused& refused);

  boost::asio::io_context& loop_;
  const system::Clock& clock_;
  Log& log_;
  Rooms rooms_;
  Times times_;
  serve::Server server_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer next_look_;
  boost::asio::steady_timer overdue_;
  boost::asio::steady_timer alive_;
  std::chrono::microseconds alive_every_{0};

  profile::Profile profile_;
  Finding configuration_;                  // of the last reload
  std::optional<serve::Sockets> sockets_;  // until the first snapshot is there
  std::optional<gid_t> control_group_;

  std::thread worker_;
  bool looking_ = false;
  bool is_overdue_ = false;
  std::optional<Depth> wanted_;  // a look that was asked for while another was under way
  std::chrono::steady_clock::time_point look_began_;
  std::chrono::system_clock::time_point started_at_;

  serve::Inputs inputs_;  // of the last look
  serve::Histories histories_;
  // What is kept is replaced as a whole, so it has to be known before.
  enum class Growth { unknown, kept, more } growth_ = Growth::unknown;
  std::chrono::steady_clock::time_point growth_kept_at_;
  std::chrono::steady_clock::time_point taken_;
  bool is_ready_ = false;
  bool is_reloading_ = false;
  std::map<std::string, Status, std::less<>> told_;  // findings as they were told last
  Pace pace_;
  std::string told_state_;

  std::vector<store::Event> events_;  // the newest, oldest first
  std::vector<store::Boot> boots_;
  std::optional<store::Boot> first_boot_;      // with this cache
  std::set<std::string, std::less<>> stages_;  // reached by this boot as far as we know
  AcknowledgementList acknowledgements_;
  std::shared_ptr<const serve::Snapshot> published_;
  std::optional<Finding> trouble_;
  std::optional<Recorder> recorder_;  // the last member: it may still call us
};

}  // namespace fettle::app
