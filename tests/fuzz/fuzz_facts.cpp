// Whatever stands in /proc, /sys and /run reads as a fact or as an error with a sentence. The first byte
// chooses the reader.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.h"
#include "facts/clock.h"
#include "facts/deep.h"
#include "facts/engines.h"
#include "facts/gpu_programs.h"
#include "facts/kernel_log.h"
#include "facts/readers.h"
#include "system/drive.h"
#include "system/kernel_log.h"

using namespace fettle;
using namespace fettle::facts;

namespace {

template <class T>
void must_say(const Result<T>& result) {
  if (!result && result.error().said.empty()) std::abort();
}

// What was read is written as it was read: the daemon hands it on.
template <class T>
void must_stay(const Result<T>& first, Result<T> (*parse)(std::string_view)) {
  must_say(first);
  if (!first) return;
  const std::string text = pretty_json(to_json(*first));
  const auto again = parse(text);
  if (!again || pretty_json(to_json(*again)) != text) std::abort();
}

// Readers are only added at the end: the corpus names them by letter.
constexpr char first_reader = 'A';
using Read = void (*)(std::string_view);
constexpr std::array<Read, 15> readers{
    [](std::string_view text) { must_say(parse_os_release(text, "/etc/os-release")); },
    [](std::string_view text) { (void)parse_kernel_release(text); },
    [](std::string_view text) { must_say(parse_mountinfo(text)); },
    [](std::string_view text) { must_say(parse_ras_counts(text, "/sys/umc")); },
    [](std::string_view text) { must_say(parse_bad_pages(text, "/sys/pages")); },
    [](std::string_view text) { must_say(parse_driver_package(text)); },
    [](std::string_view text) { must_stay(parse_cache_trial(text), &parse_cache_trial); },
    [](std::string_view text) { must_stay(parse_drive_trials(text), &parse_drive_trials); },
    [](std::string_view text) { must_stay(parse_cache_usage(text), &parse_cache_usage); },
    [](std::string_view text) { must_stay(parse_clock_trial(text), &parse_clock_trial); },
    [](std::string_view text) { must_stay(parse_kernel_log(text), &parse_kernel_log); },
    [](std::string_view text) { must_stay(parse_engine_trials(text), &parse_engine_trials); },
    [](std::string_view text) { must_stay(parse_deep_trials(text), &parse_deep_trials); },
    [](std::string_view text) {
      (void)system::parse_kernel_record(text);
      must_say(system::parse_smart(text));
      (void)unescape_octal(text);
    },
    [](std::string_view text) { must_stay(parse_gpu_programs(text), &parse_gpu_programs); },
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  readers[(data[0] - static_cast<std::size_t>(first_reader)) % readers.size()](
      std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  return 0;
}
