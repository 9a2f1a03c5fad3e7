#include "device/tcl_client.h"

#include <fmt/core.h>

#include <charconv>

namespace mote::device {

namespace {

constexpr char kEnd = '\x1a';
constexpr size_t kLongestAnswer = 64u << 20;

/// The one element that is left of a Tcl list, without its braces or backslashes.
std::string element(std::string_view text) {
  if (text.size() >= 2 && text.front() == '{' && text.back() == '}')
    return std::string(text.substr(1, text.size() - 2));
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      plain += text[i] == 'n' ? '\n' : text[i];
    } else {
      plain += text[i];
    }
  }
  return plain;
}

}  // namespace

TclClient::TclClient(const Endpoint& endpoint, const std::string& name, const Limits& limits)
    : connection_(endpoint, name, limits.connect), limit_(limits.reply) {}

TclClient::Answer TclClient::evaluate(const std::string& script, std::chrono::milliseconds limit) {
  // The port tells no status: the list of catch's code and the result does.
  usable_ = false;  // until there is an answer: a late one would be taken for the next
  connection_.send(fmt::format("list [catch {{{}}} answer] $answer{}", script, kEnd), limit_);
  const Connection::Clock::time_point deadline = Connection::Clock::now() + limit;
  std::string text;
  for (std::optional<char> c; (c = connection_.next(deadline)) != kEnd;) {
    if (!c) {
      throw ConnectionError(fmt::format("{}: no answer to \"{}\" within {} ms; is it OpenOCD's Tcl port, and not busy?",
                                        connection_.name(), script.substr(0, 40), limit.count()));
    }
    text += *c;
    if (text.size() > kLongestAnswer) throw ConnectionError(connection_.name() + ": the answer does not end");
  }
  usable_ = true;
  // "0 {result}", or the code of an error: 1 for Tcl's own, negative for OpenOCD's, which then says more only in its
  // log.
  int code = 0;
  const std::from_chars_result number = std::from_chars(text.data(), text.data() + text.size(), code);
  if (number.ec != std::errc() || number.ptr == text.data() + text.size() || *number.ptr != ' ') {
    throw ConnectionError(
        fmt::format("{}: answers \"{}\"; is it OpenOCD's Tcl port?", connection_.name(), text.substr(0, 60)));
  }
  const std::string result = element(std::string_view(text).substr(static_cast<size_t>(number.ptr - text.data()) + 1));
  return {code == 0, code != 0 && result.empty() ? fmt::format("error {}; OpenOCD's log says more", code) : result};
}

std::string TclClient::require(const std::string& script, const std::string& what) {
  const Answer answer = evaluate(script, limit_);
  if (!answer.ok) throw AccessError(fmt::format("{}: {}: {}", connection_.name(), what, answer.text));
  return answer.text;
}

}  // namespace mote::device
