// fettle shelf stage NAME [--watch], hold, resume, cancel: starting, following and stopping the work on a
// shelf.
#include <sys/ioctl.h>
#include <unistd.h>

#include <ostream>

#include "base/names.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/shelf_page.h"
#include "cli/shelves.h"
#include "shelf/orders.h"
#include "shelf/report.h"

namespace fettle::cli {
namespace {

using namespace std::chrono_literals;

std::string unit_of(std::string_view shelf) {
  return std::string(names::stage_unit) + std::string(shelf) + ".service";
}

// Draws a page over the one before on a terminal; elsewhere a line at each change of state, and every ten
// seconds.
class Watcher {
 public:
  explicit Watcher(Context& context) : context_(context), draws_(context.output == Output::terminal) {
    paper_.glyphs = context.glyphs;
    paper_.colour = context.colour;
  }

  void show(const shelf::Report& report) {
    if (context_.format == Format::json) return;  // the last report is the answer
    if (draws_) {
      measure();
      const auto page = shelf_page(report, paper_);
      context_.out << redraw(page, lines_) << std::flush;
      lines_ = page.size();
      return;
    }
    const auto now = context_.system.clock.steady();
    if (said_ && report.state == last_ && now - when_ < 10s) return;
    context_.out << report.shelf << ": " << shelf_line(report) << '\n' << std::flush;
    said_ = true;
    last_ = report.state;
    when_ = now;
  }

 private:
  // The window may have another size than at the page before, and the terminal has then broken its lines
  // elsewhere: the page begins anew.
  void measure() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return;
    const std::size_t width = size.ws_col - 1U;
    if (lines_ > 0 && width != paper_.width) {
      context_.out << "\x1b[H\x1b[2J";
      lines_ = 0;
    }
    paper_.width = width;
    paper_.height = size.ws_row;
  }

  Context& context_;
  bool draws_;
  Paper paper_;
  std::size_t lines_ = 0;
  bool said_ = false;
  shelf::State last_ = shelf::State::wanted;
  std::chrono::steady_clock::time_point when_{};
};

// The work is another's: reads its report until it rests.
int follow(Context& context, const std::string& name, std::chrono::system_clock::time_point since) {
  Watcher watcher(context);
  std::chrono::system_clock::time_point seen{};
  // A worker that says nothing for so long is gone.
  for (auto quiet_since = context.system.clock.steady();;) {
    const auto report = shelf::read_report(context.system.files, name);
    if (!report && report.error().why != Why::missing) return cli::report(context, report.error());
    if (report && report->started_at >= since && report->updated_at != seen) {
      seen = report->updated_at;
      quiet_since = context.system.clock.steady();
      watcher.show(*report);
      if (shelf::is_at_rest(report->state)) {
        if (context.format == Format::json) context.out << shelf::to_json(*report);
        return stage_code(*report);
      }
    }
    if (context.system.clock.steady() - quiet_since > shelf::report_expires_after) {
      return cli::report(
          context,
          {Why::timed_out, "cannot follow '" + name + "': its worker has been silent for 2 min",
           "`systemctl status " + unit_of(name) + "` tells whether it still runs"},
          try_later);
    }
    context.system.clock.sleep_for(500ms);
  }
}

Result<void> systemctl(const Context& context, const char* verb, const std::string& name) {
  const auto done =
      context.system.runner.run({{"/usr/bin/systemctl", verb, "--no-block", "--", unit_of(name)}, {}, 30s});
  if (!done) return fail(done.error());
  if (done->exit_code == 0) return {};
  return fail(Why::failed,
              "cannot " + std::string(verb) + " " + unit_of(name) + ": " + std::string(trim(done->err)),
              "`systemctl status " + unit_of(name) + "` tells more");
}

bool has_service(const Context& context) {
  const auto systemd = context.system.files.exists("/run/systemd/system");
  return context.system.files.is_the_machine() && systemd && *systemd;
}

}  // namespace

int stage_and_watch(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  const auto wanted = find_shelf(profile, words.name);
  if (!wanted) return report(context, wanted.error(), bad_config);
  if (has_service(context) && ::geteuid() == 0) {
    const auto since = std::chrono::floor<std::chrono::seconds>(context.system.clock.now());
    if (auto started = systemctl(context, "start", words.name); !started)
      return report(context, started.error());
    if (words.watch) return follow(context, words.name, since);
    context.out << "started " << unit_of(words.name) << "; `fettle shelf stage " << words.name
                << " --watch` follows it\n";
    return ok;
  }
  shelf::Options options;
  options.client = words.client;
  options.insist = shelf::usual_insistence;
  if (!words.watch) return stage_shelf(context, profile, *wanted, options);
  Watcher watcher(context);
  options.published = [&](const shelf::Report& report) { watcher.show(report); };
  return stage_shelf(context, profile, *wanted, options);
}

int hold_shelf(Context& context, const profile::Profile&, const ShelfWords& words) {
  if (auto given = shelf::give_order(context.system, words.name, shelf::Order::hold); !given)
    return report(context, given.error());
  context.out << "shelf '" << words.name << "' is held; `fettle shelf resume " << words.name
              << "` lets it go on\n";
  return ok;
}

int cancel_shelf(Context& context, const profile::Profile&, const ShelfWords& words) {
  if (auto given = shelf::give_order(context.system, words.name, shelf::Order::cancel); !given)
    return report(context, given.error());
  context.out << "the work on shelf '" << words.name
              << "' ends; what is whole stays, and the next start goes on there\n";
  return ok;
}

int resume_shelf(Context& context, const profile::Profile&, const ShelfWords& words) {
  if (auto given = shelf::give_order(context.system, words.name, shelf::Order::none); !given)
    return report(context, given.error());
  if (has_service(context)) {
    if (auto started = systemctl(context, "start", words.name); !started)
      return report(context, started.error());
    context.out << "shelf '" << words.name << "' goes on\n";
  } else {
    context.out << "shelf '" << words.name << "' is no longer held; `fettle stage " << words.name
                << "` goes on\n";
  }
  return ok;
}

}  // namespace fettle::cli
