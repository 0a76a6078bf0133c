// fettle shelf VERB: the shelves of this node. The small verbs stand here, the others in cli/shelf_*.cpp.
#include "shelf/shelf.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/shelves.h"
#include "cli/verbs.h"
#include "profile/load.h"
#include "profile/rules.h"
#include "shelf/report.h"

namespace fettle::cli {
namespace {

namespace json = boost::json;

// 0 ready, 1 not yet, 2 failed, 3 unknown: the order of the verbs that judge.
int judge(const Result<shelf::Report>& report) {
  if (!report) return 3;
  switch (report->state) {
    case shelf::State::ready:
      return 0;
    case shelf::State::failed:
    case shelf::State::refused:
      return 2;
    default:
      return 1;
  }
}

// How the profile lets the shelf come; nothing when it says nothing.
void print_manner(std::ostream& out, const profile::Profile& profile, std::string_view name) {
  const auto found = std::find_if(profile.shelves.begin(), profile.shelves.end(),
                                  [&](const profile::Shelf& shelf) { return shelf.name == name; });
  if (found == profile.shelves.end()) return;
  if (found->rate.count > 0) out << "  rate: at most " << to_text(found->rate) << " a second\n";
  if (found->hours) out << "  hours: " << profile::to_text(*found->hours) << " UTC\n";
  if (!found->proxy.empty()) {
    out << "  proxy: " << found->proxy;
    for (const std::string& host : found->no_proxy)
      out << (&host == found->no_proxy.data() ? ", not for " : ", ") << host;
    out << '\n';
  }
  if (found->jitter_seconds > 0)
    out << "  begins within " << found->jitter_seconds << " s after the boot, at this node's turn\n";
}

int show(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  const auto report = shelf::read_report(context.system.files, words.name);
  if (context.format == Format::json) {
    context.out << pretty_json(report_json(report, words.name));
    return judge(report);
  }
  if (!report) {
    return cli::report(context,
                       report.error().why == Why::missing
                           ? Error{Why::missing, "shelf '" + words.name + "' has not reported since the boot",
                                   "`systemctl start fettle-stage@" + words.name + "` stages it"}
                           : report.error(),
                       judge(report));
  }
  context.out << words.name << ": " << shelf::to_text(report->state) << ", " << progress_of(*report) << '\n';
  for (const shelf::RepositoryReport& repository : report->repositories) {
    context.out << "  " << repository.id << " at " << repository.revision << ": "
                << shelf::to_text(repository.state) << ", " << to_text(repository.done.bytes) << " of "
                << to_text(repository.total.bytes) << '\n';
  }
  print_manner(context.out, profile, words.name);
  if (report->error) context.out << to_text(*report->error) << '\n';
  return judge(report);
}

int verify_with(Context& context, const profile::Profile& profile, const ShelfWords& words,
                const shelf::Effort& effort) {
  const auto verified =
      shelf::verify_again(context.system, profile, words.name, effort, progress_line(context, "verified"));
  if (!verified) return report(context, verified.error());
  if (context.format == Format::json) {
    json::array damages;
    for (const shelf::Damage& damage : verified->damages) {
      damages.push_back({{"repository", damage.repository},
                         {"path", damage.path},
                         {"blob", damage.blob},
                         {"says", damage.says}});
    }
    context.out << pretty_json(json::object{{"shelf", words.name},
                                            {"blobs", verified->blobs},
                                            {"bytes", verified->bytes.count},
                                            {"damages", damages}});
    return damages.empty() ? ok : failed;
  }
  for (const shelf::Damage& damage : verified->damages) {
    context.out << "damaged: '" << damage.path << "' of " << damage.repository << ", blob " << damage.blob
                << ": " << damage.says << '\n';
  }
  if (!verified->damages.empty()) {
    context.out << "  hint: `fettle stage " << words.name << "` fetches them again\n";
    return failed;
  }
  context.out << words.name << ": " << count_of(verified->blobs, "file") << ", " << to_text(verified->bytes)
              << ", each equal to its hash\n";
  return ok;
}

int verify(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  return verify_with(context, profile, words, {});
}

// As verify, but everything else on the node goes first.
int scrub(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  return verify_with(context, profile, words, {1, words.rate, system::Urgency::idle});
}

int export_it(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  const auto written =
      shelf::export_archive(context.system, profile, words.name, words.file, progress_line(context, "wrote"));
  if (!written) return report(context, written.error());
  if (context.format == Format::json) {
    context.out << shelf::to_json(*written);
  } else {
    context.out << "wrote '" << words.file << "': " << written->size()
                << (written->size() == 1 ? " repository\n" : " repositories\n");
  }
  return ok;
}

// A shelf that no profile names, from an archive at hand.
int import(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  profile::Shelf wanted;
  wanted.name = words.name;
  if (wanted.name.empty()) {
    wanted.name = words.file.substr(words.file.find_last_of('/') + 1);
    wanted.name = wanted.name.substr(0, wanted.name.find('.'));
  }
  wanted.source = profile::Source::archive;
  wanted.archive = words.file;
  return stage_shelf(context, profile, wanted, {});
}

void no_options(Words&, ShelfWords&) {}

void a_name(Words& words, ShelfWords& typed) {
  words.option("NAME", typed.name, "the shelf").required();
}

void name_and_client(Words& words, ShelfWords& typed) {
  a_name(words, typed);
  words.option("--client", typed.client, "path of the Hugging Face client `hf`");
}

void apply_option(Words& words, ShelfWords& typed) {
  words.flag("--apply", typed.apply, "remove it; without this nothing is removed");
}

using Row = Verb<ShelfWords>;
constexpr std::array verbs{
    Row{"list", "the wanted shelves, and everything that lies in the cache", &no_options, &list_shelves},
    Row{"show", "one shelf with its repositories (0 ready, 1 not yet, 2 failed, 3 unknown)", &a_name, &show},
    Row{"stage", "start the work on a shelf, and follow it",
        [](Words& words, ShelfWords& typed) {
          name_and_client(words, typed);
          words.flag("--watch", typed.watch, "bars, rate and time left until it is ready");
        },
        &stage_and_watch},
    Row{"hold", "stop the work on a shelf until it is resumed", &a_name, &hold_shelf},
    Row{"resume", "go on with a shelf that was held or cancelled", &a_name, &resume_shelf},
    Row{"cancel", "stop what runs now; the next start goes on where it ended", &a_name, &cancel_shelf},
    Row{"verify", "read every byte again and compare it with its hash", &a_name, &verify},
    Row{"scrub", "as verify, on one thread, at a rate, after everything else on the node",
        [](Words& words, ShelfWords& typed) {
          a_name(words, typed);
          typed.rate = 200_MiB;
          words.option("--rate", typed.rate, "bytes a second: \"200MiB\"").shows_default("200MiB");
        },
        &scrub},
    Row{"lock", "pin a shelf to commits, sizes and hashes, for a fleet that wants the same bytes",
        [](Words& words, ShelfWords& typed) {
          name_and_client(words, typed);
          words.option("--to", typed.file, "the lock's path; beside the shelf's file by default");
          words.flag("--anew", typed.anew, "ask the source for all, also for what is known here");
        },
        &lock_shelf},
    Row{"adopt", "take over what other tools left in the cache, after verifying it",
        [](Words& words, ShelfWords& typed) {
          words.option("NAME", typed.name, "of the shelf that names it from now on").required();
          words.option("REPOSITORY", typed.repositories, "only these; everything by default");
        },
        &adopt_cache},
    Row{"gc", "what of the cache no shelf, no ref and no open file needs",
        [](Words& words, ShelfWords& typed) {
          apply_option(words, typed);
          words.flag("--detached", typed.detached, "also revisions that no ref names");
        },
        &gc_shelves},
    Row{"remove", "what a shelf brought and nothing else needs",
        [](Words& words, ShelfWords& typed) {
          a_name(words, typed);
          apply_option(words, typed);
        },
        &remove_shelf},
    Row{"export", "write a staged shelf as an archive",
        [](Words& words, ShelfWords& typed) {
          a_name(words, typed);
          words.option("--to", typed.file, "the archive's path; '.zst' at its end compresses it").required();
        },
        &export_it},
    Row{"client", "the hub's client `hf`: which one is used, or a private one from a list with hashes",
        [](Words& words, ShelfWords& typed) {
          words.option("ACTION", typed.action, "show or install").required().among({"show", "install"});
          words.option("--client", typed.client, "show: path of another one");
          words.option("--requirements", typed.file, "install: the list; the site's by default");
          words.option("--wheelhouse", typed.wheelhouse, "install: a directory with the wheels");
          words.flag("--dry-run", typed.dry_run, "install: only say what would be run");
        },
        &shelf_client},
    Row{"import", "stage the shelf that an archive holds",
        [](Words& words, ShelfWords& typed) {
          words.option("FILE", typed.file, "a tar that `fettle shelf export` wrote").required();
          words.option("--name", typed.name, "the shelf's name; the file's by default");
        },
        &import},
};

}  // namespace

int run_shelf(Context& context, const std::vector<std::string>& arguments) {
  Words words("fettle shelf",
              "The shelves of this node: lists of model repositories that are fetched and verified.");
  const Verbs verb(verbs, words);
  if (const auto code = words.read(context, arguments, Mistakes::as_error)) return *code;
  const auto profile = load_profile(context);
  if (!profile) return report(context, profile.error(), bad_config);
  // It becomes the name of files.
  if (const std::string& name = verb.typed().name; !name.empty() && !profile::is_name(name)) {
    return report(
        context,
        {Why::malformed, "cannot use this as the name of a shelf", std::string(profile::name_rule.allowed)},
        usage);
  }
  return verb.run(context, *profile);
}

}  // namespace fettle::cli
