// Messages of the protocol as a person reads them in a trace, and cut out of a stream. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/bytes.hpp"

namespace pgweir::simulation {

struct Message {
  char type = 0;
  ByteBuffer body;  // without its length
  bool operator==(const Message&) const = default;
};

// The complete messages at the start of `stream`, which are taken out of it.
std::vector<Message> take_messages(ByteBuffer& stream);
// Words that are much longer than any name or number are cut.
std::string with_short_words(const std::string& text);
// "Query select 1", "DataRow a|b", "ErrorResponse 42P01 no such table"
std::string in_words(const Message& message, bool from_server);
// The field of an ErrorResponse or NoticeResponse; empty: it has none.
std::string field(const Message& message, char which);

}  // namespace pgweir::simulation
