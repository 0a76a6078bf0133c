#include "app/boot.h"

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <ostream>

#include "app/daemon.h"
#include "app/log.h"
#include "app/look.h"
#include "serve/requests.h"
#include "serve/sockets.h"
#include "system/clock.h"
#include "system/files.h"

namespace fettle::app {
namespace {

constexpr int failed = 1;
constexpr int bad_root = 64;    // EX_USAGE
constexpr int bad_config = 78;  // EX_CONFIG: systemd does not try again

int tell_complaints(const profile::Complaints& complaints, const Log& log) {
  for (const profile::Complaint& complaint : complaints) {
    log.tell(Level::error, profile::to_text(complaint), {{"room", "profile"}});
  }
  log.tell(Level::error,
           "cannot start: the configuration has mistakes\nhint: `fettle profile check FILE` shows them",
           {{"room", "profile"}});
  return bad_config;
}

int look_once(const Rooms& rooms, const system::Clock& clock, const Log& log, std::ostream& out) {
  const profile::Loaded loaded = rooms.load();
  if (!loaded.profile) return tell_complaints(loaded.complaints, log);
  serve::Inputs inputs = rooms.look(*loaded.profile, Depth::everything);
  inputs.started_at = inputs.taken_at;
  serve::Question question;
  question.method = "GET";
  question.target = "/v1/status";
  question.snapshot = std::make_shared<const serve::Snapshot>(inputs);
  question.now = clock.steady();
  const serve::Answer answer = serve::answer(question);
  out << answer.head << answer.rest << answer.tail;
  return 0;
}

}  // namespace

int run(const Options& options, std::ostream& out, std::ostream& err) {
  Log log(standard_error_goes(options.journal_stream));
  auto files = system::Files::open(options.root);
  if (!files) {
    err << "fettled: " << to_text(files.error()) << '\n';
    return bad_root;
  }
  // A look that hangs may still use these three when this function is left.
  static const system::RealClock clock;
  static const system::Files root(std::move(*files));
  static Look look(root, clock, options.version);
  static Memory memory(root, std::string(names::daemon_state));
  const Rooms rooms{[config = options.config] { return profile::load(root, profile::Tables::all, config); },
                    [](const profile::Profile& profile, Depth depth) { return look(profile, depth); },
                    [](const News& news) { return memory(news); }};
  if (options.run == Run::once) return look_once(rooms, clock, log, out);

  std::signal(SIGPIPE, SIG_IGN);
  auto sockets = serve::open_sockets(root);
  if (!sockets) {
    log.tell(Level::error, to_text(sockets.error()), {{"room", "serve"}});
    return failed;
  }
  boost::asio::io_context loop(1);
  auto daemon = std::make_unique<Daemon>(loop, clock, log, rooms);
  const auto complaints = daemon->start(std::move(*sockets), serve::group_id(root, names::control_group));
  if (!complaints.empty()) return tell_complaints(complaints, log);
  log.tell(Level::info, "fettled " + options.version + " looks at '" + options.root + "'");
  loop.run();
  // A look that hangs in the kernel cannot be waited for: it is left behind, with everything it uses.
  if (daemon->is_looking()) std::_Exit(0);
  return 0;
}

}  // namespace fettle::app
