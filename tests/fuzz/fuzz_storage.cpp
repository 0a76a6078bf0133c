// The record of whose drives these are, and the report of provisioning: half of one gives no right. The
// first byte chooses which.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "storage/record.h"
#include "storage/report.h"

using namespace fettle;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    const auto record = storage::parse_record(text);
    if (!record) return 0;
    const std::string written = storage::to_json(*record);
    const auto again = storage::parse_record(written);
    if (!again || storage::to_json(*again) != written) std::abort();
    if (record->filesystem_uuid.size() != 36) std::abort();
  } else {
    const auto report = storage::parse_report(text);
    if (!report && report.error().said.empty()) std::abort();
  }
  return 0;
}
