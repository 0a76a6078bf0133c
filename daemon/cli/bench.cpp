// fettle storage bench: how fast the cache and each of its drives are, in some seconds.
#include <algorithm>
#include <ostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/shelves.h"
#include "cli/storage_text.h"
#include "cli/words.h"
#include "storage/bench.h"

namespace fettle::cli {
namespace {

std::string per_second(Bytes rate) {
  return to_text(rate) + "/s";
}

void print_phase_of(Context& context, const std::string& name, const system::Transfer& transfer,
                    const std::optional<Bytes>& first) {
  context.out << name << "  " << per_second(rate_of(transfer)) << ", " << to_text(transfer.size) << " in "
              << std::chrono::duration_cast<std::chrono::milliseconds>(transfer.took).count() << " ms";
  if (first) context.out << "; at first " << per_second(*first);
  context.out << '\n';
}

void print(Context& context, const storage::Bench& bench) {
  context.out << "cache  " << bench.path << '\n';
  print_phase_of(context, "write", bench.cache.write, bench.first_write);
  print_phase_of(context, "read ", bench.cache.read, bench.first_read);
  context.out << "sync   " << bench.cache.sync.count() << " us, median of small writes\n";
  if (!bench.cache.direct)
    context.out << "  warning: this file system has no direct I/O: memory was measured, not a drive\n";
  if (!bench.drives.empty()) context.out << "\neach drive by itself, reads\n";
  for (const storage::DriveSpeed& each : bench.drives) {
    context.out << "  " << printable(each.drive.serial) << "  ";
    if (!each.reads) {
      context.out << "not measured: " << printable(each.reads.error().said) << '\n';
      continue;
    }
    context.out << per_second(rate_of(*each.reads));
    if (each.first) context.out << ", at first " << per_second(*each.first);
    if (!each.slow.empty()) context.out << "; slow: " << each.slow;
    context.out << '\n';
  }
  if (bench.not_kept) context.out << "  warning: " << bench.not_kept->said << '\n';
}

// A drive that could not be read is no good news either.
int code_of(const storage::Bench& bench) {
  const auto is_well = [](const storage::DriveSpeed& each) { return each.reads && each.slow.empty(); };
  return std::all_of(bench.drives.begin(), bench.drives.end(), is_well) ? ok : partial;
}

}  // namespace

int run_bench(Context& context, const std::vector<std::string>& arguments) {
  Words words(
      "fettle storage bench",
      "Measures the cache for some seconds: large writes and reads, small synced writes, and reads of each\n"
      "drive by itself. Takes the drives' time meanwhile, loses no data, leaves no file.");
  if (const auto code = words.read(context, arguments)) return *code;
  const auto profile = load_profile(context);
  if (!profile) return report(context, profile.error(), bad_config);
  const system::Files& files = context.system.files;
  const auto bench =
      storage::bench(*profile, facts::gather(files), storage::read_report(files), context.system);
  if (!bench)
    return report(context, bench.error(), bench.error().why == Why::denied ? not_permitted : failed);
  if (context.format == Format::json) {
    context.out << pretty_json(storage::to_json(*bench));
  } else {
    print(context, *bench);
  }
  return code_of(*bench);
}

}  // namespace fettle::cli
