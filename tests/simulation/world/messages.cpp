#include "tests/simulation/world/messages.hpp"

#include <algorithm>
#include <iterator>

namespace pgweir::simulation {
namespace {

constexpr std::size_t word_max = 90;
constexpr std::size_t left_of_longer_word = 60;

std::uint32_t number_at(const ByteBuffer& bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | (at + i < bytes.size() ? bytes[at + i] : 0);
  return number;
}

std::string printable(const ByteBuffer& bytes, std::size_t from, std::size_t most = 160) {
  std::string text;
  for (std::size_t i = from; i < bytes.size() && text.size() < most; ++i)
    text += bytes[i] == 0 ? '|' : bytes[i] >= 32 && bytes[i] < 127 ? static_cast<char>(bytes[i]) : '.';
  while (text.ends_with('|')) text.pop_back();
  return text;
}

std::string row(const ByteBuffer& body) {
  std::string text;
  std::size_t at = 2;
  while (at + 4 <= body.size() && text.size() < 160) {
    const auto size = static_cast<std::int32_t>(number_at(body, at));
    at += 4;
    if (!text.empty()) text += '|';
    if (size < 0) {
      text += "NULL";
      continue;
    }
    const auto end = std::min(body.size(), at + static_cast<std::size_t>(size));
    text += with_short_words(printable(
        {body.begin() + static_cast<std::ptrdiff_t>(at), body.begin() + static_cast<std::ptrdiff_t>(end)},
        0));
    at = end;
  }
  return text;
}

struct Name {
  char type;
  const char* name;
};
constexpr Name of_client[] = {{'Q', "Query"},    {'P', "Parse"},    {'B', "Bind"},     {'D', "Describe"},
                              {'E', "Execute"},  {'C', "Close"},    {'S', "Sync"},     {'H', "Flush"},
                              {'d', "CopyData"}, {'c', "CopyDone"}, {'f', "CopyFail"}, {'X', "Terminate"},
                              {'p', "Password"}};
constexpr Name of_server[] = {
    {'R', "Authentication"},  {'K', "BackendKeyData"}, {'S', "ParameterStatus"},
    {'Z', "ReadyForQuery"},   {'T', "RowDescription"}, {'D', "DataRow"},
    {'C', "CommandComplete"}, {'E', "ErrorResponse"},  {'N', "NoticeResponse"},
    {'A', "Notification"},    {'1', "ParseComplete"},  {'2', "BindComplete"},
    {'3', "CloseComplete"},   {'n', "NoData"},         {'t', "ParameterDescription"},
    {'s', "PortalSuspended"}, {'I', "EmptyQuery"},     {'G', "CopyIn"},
    {'H', "CopyOut"},         {'d', "CopyData"},       {'c', "CopyDone"}};

template <std::size_t n>
std::string name_in(const Name (&names)[n], char type) {
  const auto* const found =
      std::find_if(std::begin(names), std::end(names), [&](const Name& each) { return each.type == type; });
  return found == std::end(names) ? std::string("?") + type : found->name;
}

}  // namespace

std::vector<Message> take_messages(ByteBuffer& stream) {
  std::vector<Message> messages;
  std::size_t at = 0;
  while (at + 5 <= stream.size()) {
    const std::size_t size = number_at(stream, at + 1);
    if (size < 4 || at + 1 + size > stream.size()) break;
    messages.push_back({static_cast<char>(stream[at]),
                        {stream.begin() + static_cast<std::ptrdiff_t>(at + 5),
                         stream.begin() + static_cast<std::ptrdiff_t>(at + 1 + size)}});
    at += 1 + size;
  }
  stream.erase(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(at));
  return messages;
}

std::string field(const Message& message, char which) {
  for (std::size_t at = 0; at < message.body.size() && message.body[at] != 0;) {
    const auto end = std::find(message.body.begin() + static_cast<std::ptrdiff_t>(at), message.body.end(), 0);
    if (message.body[at] == static_cast<Byte>(which))
      return {message.body.begin() + static_cast<std::ptrdiff_t>(at) + 1, end};
    at = static_cast<std::size_t>(end - message.body.begin()) + 1;
  }
  return {};
}

std::string with_short_words(const std::string& text) {
  std::string shorter;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size() - 1) + 1;
    const bool is_long = end - at > word_max;
    shorter += text.substr(at, is_long ? left_of_longer_word : end - at);
    if (is_long) shorter += text[end - 1] == ' ' ? "... " : "...";
    at = end;
  }
  return shorter;
}

std::string in_words(const Message& message, bool from_server) {
  const std::string name = from_server ? name_in(of_server, message.type) : name_in(of_client, message.type);
  if (from_server && (message.type == 'E' || message.type == 'N'))
    return name + " " + field(message, 'S') + " " + field(message, 'C') + " " + field(message, 'M');
  if (from_server && message.type == 'D') return name + " " + row(message.body);
  if (from_server && (message.type == 'T' || message.type == 't'))
    return name + " of " + std::to_string(number_at(message.body, 0) >> 16);
  if (from_server && message.type == 'A') return name + " " + with_short_words(printable(message.body, 4));
  return message.body.empty() ? name : name + " " + with_short_words(printable(message.body, 0));
}

}  // namespace pgweir::simulation
