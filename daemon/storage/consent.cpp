#include "storage/consent.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <set>

namespace fettle::storage {
namespace {

constexpr std::size_t shown_bytes = 8;

// Fields with their lengths in front, so that no two different lists of them make one text.
class Text {
 public:
  Text& add(std::string_view field) {
    text_ += std::to_string(field.size()) + ":";
    text_ += field;
    return *this;
  }
  Text& add(std::uint64_t number) { return add(std::to_string(number)); }
  Text& add(const std::vector<std::string>& fields) {
    add(fields.size());
    for (const std::string& field : fields) add(std::string_view(field));
    return *this;
  }
  Text& add(const facts::Fact<system::Signature>& signature) {
    if (!signature) return add("cannot").add(std::string_view(signature.error().said));
    return add(std::string_view(signature->type))
        .add(std::string_view(signature->uuid))
        .add(std::string_view(signature->label));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void add_drive(Text& text, const facts::Drive& drive) {
  text.add(std::string_view(drive.model))
      .add(std::string_view(drive.serial))
      .add(std::string_view(drive.wwid))
      .add(std::string_view(drive.nsid))
      .add(drive.size.count)
      .add(drive.node)
      .add(drive.diskseq)
      .add(drive.partitions)
      .add(drive.holders)
      .add(drive.in_use);
}

std::string sha256(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  // Fails only when the library is broken; an empty hash is equal to none that anybody can give.
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) return out;
  for (std::size_t i = 0; i < shown_bytes; ++i) {
    out += digits[digest[i] >> 4U];
    out += digits[digest[i] & 15U];
  }
  return out;
}

std::string joined(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

std::string hash_of(const Sight& sight, const Plan& plan, Verb verb) {
  Text text;
  text.add(to_text(verb)).add(to_text(plan.verdict));
  for (const SeenDrive& seen : sight.drives) {
    add_drive(text, seen.drive);
    text.add(seen.signature);
  }
  for (const LeftOut& left : sight.left_out) add_drive(text, left.drive);
  for (const SeenArray& seen : sight.arrays) {
    text.add(std::string_view(seen.array.name))
        .add(is_running(seen.array) ? std::string_view("running") : std::string_view(seen.array.state))
        .add(seen.array.members)
        .add(seen.mounted_on)
        .add(seen.content);
  }
  for (const facts::Mount& mount : sight.cache_mounts)
    text.add(std::string_view(mount.what)).add(std::string_view(mount.device));
  text.add(sight.record ? to_json(*sight.record) : std::string("no record"));
  for (const PlannedDrive& planned : plan.drives) text.add(to_text(planned.role));
  for (const Step& step : plan.steps) text.add(static_cast<std::uint64_t>(step.act)).add(step.destroys);
  return sha256(text.text());
}

std::vector<std::string> drives_written(const Plan& plan) {
  std::set<std::string> serials;
  for (const Step& step : plan.steps) serials.insert(step.destroys.begin(), step.destroys.end());
  return {serials.begin(), serials.end()};
}

Result<void> check(const Consent& consent, const Plan& plan, const std::string& now) {
  const std::string hint = "run it again without `--plan` and read what it would do now";
  if (now.empty() || consent.plan != now) {
    return fail(Why::refused,
                "the plan '" + consent.plan + "' is not the plan of now, which is '" + now +
                    "': something changed since it was shown",
                hint);
  }
  const auto written = drives_written(plan);
  std::set<std::string> unnamed(written.begin(), written.end());
  std::set<std::string> others;
  for (const std::string& serial : consent.drives) {
    if (unnamed.erase(serial) == 0) others.insert(serial);
  }
  if (!unnamed.empty()) {
    return fail(Why::refused, "the plan also writes to drives that were not named: " + joined(unnamed),
                "name each with `--drive SERIAL`, when you are sure of it");
  }
  if (!others.empty()) {
    return fail(Why::refused,
                "the plan does not write to these drives, or they were named twice: " + joined(others), hint);
  }
  return {};
}

}  // namespace fettle::storage
