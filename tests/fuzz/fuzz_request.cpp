// Any method, target, header and body on both sockets: an answer that is whole, and on the status socket
// never a change. Five lines: method, target, Accept, If-None-Match, body; the first byte chooses the socket.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "serve/inputs.h"
#include "serve/requests.h"

using namespace fettle;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto snapshot = std::make_shared<const serve::Snapshot>(test::ready_node());
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::array<std::string_view, 4> lines;
  for (std::string_view& line : lines) {
    const auto end = rest.find('\n');
    line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  serve::Question question;
  question.socket = data[0] % 2 == 0 ? serve::Socket::status : serve::Socket::control;
  question.method = lines[0];
  question.target = lines[1];
  question.accept = lines[2];
  question.if_none_match = lines[3];
  question.body = rest;
  question.snapshot = snapshot;
  const serve::Answer answer = serve::answer(question);
  if (answer.status < 200 || answer.status > 599) std::abort();
  const bool is_change = answer.effect == serve::Effect::acknowledge ||
                         answer.effect == serve::Effect::withdraw ||
                         answer.effect == serve::Effect::log_level || answer.effect == serve::Effect::refresh;
  if (is_change && question.socket == serve::Socket::status) std::abort();
  const std::string body = answer.head + std::string(answer.rest) + answer.tail;
  const bool is_json = answer.type == serve::json_type || answer.type == serve::problem_type;
  if (is_json && !body.empty() && !parse_json(body, "the answer")) std::abort();
  return 0;
}
