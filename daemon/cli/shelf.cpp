// fettle shelf list|show|verify|export|import: the shelves of this node, and taking one elsewhere.
#include "shelf/shelf.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/shelves.h"
#include "profile/load.h"
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

int show(Context& context, const profile::Profile&, const ShelfWords& words) {
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
  if (report->error) context.out << to_text(*report->error) << '\n';
  return judge(report);
}

int verify(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  const auto verified = shelf::verify_again(context.system, profile, words.name, {}, [](Bytes, Bytes) {});
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

int export_it(Context& context, const profile::Profile& profile, const ShelfWords& words) {
  const auto written =
      shelf::export_archive(context.system, profile, words.name, words.file, [](Bytes, Bytes) {});
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

struct Verb {
  std::string_view name;
  std::string_view says;
  enum class Takes { nothing, name, name_and_target, file } takes;
  int (*run)(Context&, const profile::Profile&, const ShelfWords&);
};

constexpr std::array verbs{
    Verb{"list", "the wanted shelves, and everything that lies in the cache", Verb::Takes::nothing,
         &list_shelves},
    Verb{"show", "one shelf with its repositories (0 ready, 1 not yet, 2 failed, 3 unknown)",
         Verb::Takes::name, &show},
    Verb{"verify", "read every byte again and compare it with its hash", Verb::Takes::name, &verify},
    Verb{"export", "write a staged shelf as an archive", Verb::Takes::name_and_target, &export_it},
    Verb{"import", "stage the shelf that an archive holds", Verb::Takes::file, &import},
};

}  // namespace

int run_shelf(Context& context, const std::vector<std::string>& arguments) {
  CLI::App app{"The shelves of this node: lists of model repositories that are fetched and verified.",
               "fettle shelf"};
  app.require_subcommand(1);
  ShelfWords words;
  for (const Verb& verb : verbs) {
    CLI::App* const sub = app.add_subcommand(std::string(verb.name), std::string(verb.says));
    switch (verb.takes) {
      case Verb::Takes::nothing:
        break;
      case Verb::Takes::name_and_target:
        sub->add_option("--to", words.file, "the archive's path; '.zst' at its end compresses it")
            ->required();
        [[fallthrough]];
      case Verb::Takes::name:
        sub->add_option("NAME", words.name, "the shelf")->required();
        break;
      case Verb::Takes::file:
        sub->add_option("FILE", words.file, "a tar that `fettle shelf export` wrote")->required();
        sub->add_option("--name", words.name, "the shelf's name; the file's by default");
        break;
    }
  }
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    context.out << app.help();
    return ok;
  } catch (const CLI::ParseError& error) {
    return report(context, {Why::malformed, error.what(), "`fettle shelf --help` tells more"}, usage);
  }
  const auto profile = load_profile(context);
  if (!profile) return report(context, profile.error(), bad_config);
  for (const Verb& verb : verbs) {
    if (app.got_subcommand(std::string(verb.name))) return verb.run(context, *profile, words);
  }
  return usage;
}

}  // namespace fettle::cli
