// The inner loops, by Google Benchmark. `--root NODE` names a node made by bench/run: a captured machine with
// the shipped profiles.
//
// bench/run reads the times of preflight, advice and growth from its JSON.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "facts/facts.h"
#include "health/checks.h"
#include "models/advise.h"
#include "profile/load.h"
#include "serve/snapshot.h"
#include "shelf/inventory.h"
#include "store/events.h"

using namespace fettle;

namespace {

namespace fs = std::filesystem;

std::string root;  // of the node

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "inner: %s\n", to_text(error).c_str());
  std::exit(1);
}

template <class T>
T value_of(Result<T> result) {
  if (!result) give_up(result.error());
  return std::move(*result);
}

profile::Profile profile_of(const system::Files& files) {
  profile::Loaded loaded = profile::load(files);
  if (!loaded.profile) give_up({Why::malformed, profile::to_text(loaded.complaints.front()), ""});
  return std::move(*loaded.profile);
}

void load_profile(benchmark::State& state) {
  const auto files = value_of(system::Files::open(root));
  for (auto _ : state) benchmark::DoNotOptimize(profile::load(files));
}
BENCHMARK(load_profile);

void gather_facts(benchmark::State& state) {
  const auto files = value_of(system::Files::open(root));
  const auto profile = profile_of(files);
  for (auto _ : state) benchmark::DoNotOptimize(facts::gather(files, profile));
}
BENCHMARK(gather_facts);

void run_checks(benchmark::State& state) {
  const auto files = value_of(system::Files::open(root));
  const auto profile = profile_of(files);
  const auto facts = facts::gather(files, profile);
  for (auto _ : state) benchmark::DoNotOptimize(health::run(facts, profile, {}));
}
BENCHMARK(run_checks);

// What P16 promises: each model of the table once, with one engine, on eight GPUs.
void advise_all_models(benchmark::State& state) {
  const auto files = value_of(system::Files::open(root));
  const auto loaded = profile::load_models(files);
  if (!loaded.tables) give_up({Why::malformed, profile::to_text(loaded.complaints.front()), ""});
  models::Wish wish;
  wish.engine.name = "vllm";
  wish.engine.version = "0.11.0";
  std::size_t advised = 0;
  for (auto _ : state) {
    advised = 0;
    for (const profile::ModelFacts& model : loaded.tables->models) {
      const auto advice = models::advise(model, loaded.tables->rules, wish);
      advised += advice ? 1 : 0;
      benchmark::DoNotOptimize(advice);
    }
  }
  state.counters["models"] = static_cast<double>(advised);
}
BENCHMARK(advise_all_models);

// The pages of a daemon whose shelf has so many repositories.
void make_snapshot(benchmark::State& state) {
  serve::Inputs inputs;
  boost::json::array repositories;
  for (std::int64_t at = 0; at < state.range(0); ++at) {
    repositories.emplace_back(boost::json::object{{"id", "owner/model-" + std::to_string(at)},
                                                  {"revision", std::string(40, 'a')},
                                                  {"state", "ready"},
                                                  {"bytes", 280'000'000'000}});
  }
  serve::Shelf shelf;
  shelf.name = "frontier";
  shelf.progress = serve::Progress::ready;
  shelf.word = "ready";
  shelf.detail = boost::json::object{{"repositories", std::move(repositories)}};
  inputs.shelves.push_back(std::move(shelf));
  for (auto _ : state) benchmark::DoNotOptimize(serve::Snapshot(inputs));
  state.SetComplexityN(state.range(0));
}
BENCHMARK(make_snapshot)->Arg(38)->Arg(380)->Arg(3800)->Complexity();

// Answering finds a page that is printed already: it must not matter how large the shelf is.
void find_page(benchmark::State& state) {
  serve::Inputs inputs;
  for (std::int64_t at = 0; at < state.range(0); ++at) {
    serve::Shelf shelf;
    shelf.name = "shelf-" + std::to_string(at);
    inputs.shelves.push_back(std::move(shelf));
  }
  const serve::Snapshot snapshot(inputs);
  for (auto _ : state) benchmark::DoNotOptimize(snapshot.page("/v1/status"));
  state.SetComplexityN(state.range(0));
}
BENCHMARK(find_page)->Arg(1)->Arg(10)->Arg(100)->Complexity();

// A hub of so many repositories as the client leaves it, each with the 57 files that the frontier shelf has
// on average.
class Hub {
 public:
  explicit Hub(std::int64_t repositories) {
    char name[] = "/tmp/fettle-bench-XXXXXX";
    if (::mkdtemp(name) == nullptr) give_up({Why::failed, "cannot make a folder in /tmp", ""});
    root_ = name;
    for (std::int64_t at = 0; at < repositories; ++at) add(at);
  }
  ~Hub() { fs::remove_all(root_); }
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  const std::string& root() const { return root_; }

 private:
  void add(std::int64_t number) const {
    const fs::path folder =
        fs::path(root_) / "srv/fettle/hf/hub" / ("models--owner--m" + std::to_string(number));
    const std::string commit(40, 'a');
    for (const char* const part : {"blobs", "refs"}) fs::create_directories(folder / part);
    fs::create_directories(folder / "snapshots" / commit);
    std::ofstream(folder / "refs/main") << commit;
    for (int file = 0; file < 57; ++file) {
      std::string blob = std::to_string(file);
      blob.insert(0, 64 - blob.size(), '0');
      std::ofstream(folder / "blobs" / blob) << 'x';
      fs::create_symlink("../../blobs/" + blob,
                         folder / "snapshots" / commit / ("file-" + std::to_string(file)));
    }
  }

  std::string root_;
};

void scan_hub(benchmark::State& state) {
  const Hub hub(state.range(0));
  const auto files = value_of(system::Files::open(hub.root()));
  std::uint64_t found = 0;
  for (auto _ : state) {
    const auto inventory = value_of(shelf::take_inventory(files, shelf::Layout{"/srv/fettle/hf"}, 1));
    found = inventory.amount.files;
  }
  if (found != static_cast<std::uint64_t>(state.range(0)) * 57) state.SkipWithError("the scan missed files");
  state.SetComplexityN(state.range(0));
}
BENCHMARK(scan_hub)->Arg(38)->Arg(380)->Arg(3800)->Complexity()->Unit(benchmark::kMillisecond);

// One more event in a store that holds so many; those above the limit are removed in the same transaction.
void add_event(benchmark::State& state) {
  char name[] = "/tmp/fettle-bench-XXXXXX";
  if (::mkdtemp(name) == nullptr) give_up({Why::failed, "cannot make a folder in /tmp", ""});
  {
    const auto files = value_of(system::Files::open(name));
    const std::array steps{store::events_step};
    const auto opened = value_of(store::Database::open(files, "/events.db", {1, steps}));
    const auto kept = state.range(0);
    const auto add = [&] { return store::add_event(opened.database, {}, "bench", "one more", kept); };
    const auto filled_and_timed = opened.database.transaction([&]() -> Result<void> {
      for (std::int64_t at = 0; at < kept; ++at) {
        if (auto done = add(); !done) return done;
      }
      for (auto _ : state) {
        if (auto done = add(); !done) return done;
      }
      return {};
    });
    if (!filled_and_timed) give_up(filled_and_timed.error());
  }
  fs::remove_all(name);
  state.SetComplexityN(state.range(0));
}
BENCHMARK(add_event)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Complexity();

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 3 || std::string_view(argv[1]) != "--root") {
    std::fprintf(stderr, "usage: inner [--benchmark_…] --root NODE\n");
    return 64;
  }
  root = argv[2];
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
