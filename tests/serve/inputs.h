// A node for the tests of serve: ready, with two shelves, at the time where FakeClock starts.
#pragma once

#include "serve/snapshot.h"

namespace fettle::test {

inline NamedFinding finding(std::string id, Status status, std::string says = "looked",
                            std::string hint = {}) {
  return {std::move(id),
          "a title",
          {status, std::move(says), std::move(hint)},
          std::chrono::system_clock::time_point(std::chrono::seconds(1764000000))};
}

inline serve::Shelf shelf(std::string name, serve::Progress progress, std::string word) {
  serve::Shelf result;
  result.name = std::move(name);
  result.progress = progress;
  result.word = std::move(word);
  return result;
}

inline serve::Inputs ready_node() {
  serve::Inputs inputs;
  inputs.version = "0.1.0";
  inputs.profile = "mi300x";
  inputs.profile_file = "/usr/share/fettle/profiles/mi300x.yaml";
  inputs.profile_chosen = "named in the configuration";
  inputs.findings = {finding("os.release", Status::pass, "Ubuntu 24.04.3 LTS"),
                     finding("driver.amdgpu", Status::pass, "amdgpu 6.14.14, live"),
                     finding("cache.mounted", Status::pass, "mounted on /srv/fettle"),
                     finding("storage.scheduler", Status::not_applicable, "no array here"),
                     finding("host.numa_balancing", Status::warn, "numa_balancing is 1 \"on\"\nfor all",
                             "set kernel.numa_balancing=0")};
  inputs.made_at = std::chrono::system_clock::time_point(std::chrono::seconds(1764000000));
  inputs.acknowledgements = {{"host.numa_balancing", "warn", inputs.findings.back().finding.says, "root",
                              "measured: no difference", inputs.made_at - std::chrono::hours(1),
                              inputs.made_at + std::chrono::hours(7)}};
  inputs.cache = {"/srv/fettle", "drives", Bytes{30725970923520}, Bytes{24000000000000}};
  inputs.cache.write = std::chrono::microseconds(12345);
  inputs.caches = {{"hf", 700_GiB, 0_GiB, 800_GiB, std::int64_t{-4096}}, {"uv", {}, 20_GiB, {}, {}}};
  inputs.drives = {{"SN0001", 41, 3, 100, 0, std::chrono::microseconds(95)},
                   {"bad \xFF \"serial", 72, 91, 8, 12, {}}};
  inputs.collected = {{"cache", {{"path", "/srv/fettle"}}}};
  inputs.gpus = {"MI300X", 8, 8U, "6.14.14 (30.10.2)"};
  inputs.shelves = {shelf("tiny", serve::Progress::ready, "ready"),
                    shelf("large", serve::Progress::ready, "ready")};
  inputs.shelves[0].done = inputs.shelves[0].total = 3_MiB;
  inputs.shelves[0].detail = {{"repositories", {{{"id", "Qwen/Qwen3-0.6B"}, {"state", "ready"}}}}};
  inputs.shelves[0].history = {
      {std::chrono::system_clock::time_point(std::chrono::seconds(1763982100)), 0_MiB, 0_MiB},
      {std::chrono::system_clock::time_point(std::chrono::seconds(1763982102)), 2_MiB, 0_MiB},
      {std::chrono::system_clock::time_point(std::chrono::seconds(1763982103)), 3_MiB, 3_MiB}};
  inputs.shelves[1].done = inputs.shelves[1].total = 700_GiB;
  inputs.engines = {{"main",
                     "http://127.0.0.1:8000",
                     "serving",
                     {"zai-org/GLM-4.6"},
                     std::chrono::system_clock::time_point(std::chrono::seconds(1763985912)),
                     {}},
                    {"second", "http://[::1]:8001", "silent", {}, {}, {}}};
  inputs.facts = {{"kernel", "6.14.0-32-generic"}, {"drives", {{{"model", "bad \xFF bytes"}}}}};
  inputs.storage = {{"outcome", "already_so"}};
  inputs.env = {{"variables", {{{"name", "HF_HOME"}, {"value", "/srv/fettle/hf"}}}}};
  inputs.uptime = std::chrono::hours(5);
  const auto at = [](std::int64_t seconds) {
    return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
  };
  inputs.boot_id = "b2";
  inputs.boots = {{"b2",
                   at(1763982000),
                   {{"cache", at(1763982041), Bytes{30725970923520}}, {"ready", at(1763985600), {}}},
                   "c0ffee"},
                  {"b1", at(1763900000), {{"cache", at(1763900038), Bytes{30725970923520}}}, "c0ffee"}};
  inputs.generation = "c0ffee";
  inputs.first_boot = {"b0",
                       at(1763800000),
                       {{"cache", at(1763800138), Bytes{30725970923520}}, {"ready", at(1763805400), {}}},
                       "c0ffee"};
  inputs.price = serve::Price{31200, "USD"};
  inputs.events = {{6, at(1763982041), "cache.mounted", "pass: mounted on /srv/fettle"},
                   {7, at(1763985600), "node", "ready: all that is wanted is there \xFF"}};
  inputs.started_at = std::chrono::system_clock::time_point(std::chrono::seconds(1763990000));
  inputs.taken_at = std::chrono::system_clock::time_point(std::chrono::seconds(1764000000));
  inputs.taken_steady = std::chrono::steady_clock::time_point(std::chrono::seconds(0));
  inputs.took = std::chrono::milliseconds(7);
  inputs.refresh = std::chrono::seconds(15);
  return inputs;
}

}  // namespace fettle::test
