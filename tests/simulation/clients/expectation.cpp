#include "tests/simulation/clients/expectation.hpp"

#include <algorithm>

namespace pgweir::simulation {
namespace {

// The parts of an error that a client acts on. Where in PostgreSQL's source it was raised is not among them.
std::string essence(const Message& message) {
  std::string all;
  for (const char which : {'V', 'C', 'M', 'D', 'H', 'P'}) all += field(message, which) + "\n";
  return all;
}

// The columns of a DataRow.
std::vector<std::string> columns(const Message& row) {
  std::vector<std::string> all;
  for (std::size_t at = 2; at + 4 <= row.body.size();) {
    const std::int32_t size = static_cast<std::int32_t>(load_u32(row.body.data() + at));
    at += 4;
    if (size < 0) {
      all.emplace_back();
      continue;
    }
    const auto begin = row.body.begin() + static_cast<std::ptrdiff_t>(at);
    all.emplace_back(begin, begin + size);
    at += static_cast<std::size_t>(size);
  }
  return all;
}

bool differ_in_zone(const Message& one, const Message& other) {
  if (one.type != 'D' || other.type != 'D') return false;
  std::vector<std::string> a = columns(one);
  std::vector<std::string> b = columns(other);
  if (a.empty() || b.empty() || a.front() != Expectation::zoned_row) return false;
  a.pop_back();
  b.pop_back();
  return a == b;
}

// A RowDescription without the numbers of tables, which two servers choose each for itself.
ByteBuffer without_tables(ByteBuffer body) {
  for (std::size_t at = 2; at < body.size();) {
    const auto end = std::find(body.begin() + static_cast<std::ptrdiff_t>(at), body.end(), 0);
    at = static_cast<std::size_t>(end - body.begin()) + 1;
    if (at + 18 > body.size()) break;
    std::fill_n(body.begin() + static_cast<std::ptrdiff_t>(at), 4, Byte{0});
    at += 18;
  }
  return body;
}

}  // namespace

bool is_same(const Message& one, const Message& other) {
  if (one.type != other.type) return false;
  if (one.type == 'T') return without_tables(one.body) == without_tables(other.body);
  if (one.type == 'E' || one.type == 'N') return essence(one) == essence(other);
  if (one.type == 'A') {  // whose process it was differs
    return ByteBuffer(one.body.begin() + 4, one.body.end()) ==
           ByteBuffer(other.body.begin() + 4, other.body.end());
  }
  return one.body == other.body;
}

std::pair<std::string, std::string> parameter(const Message& message) {
  const auto middle = std::find(message.body.begin(), message.body.end(), 0);
  return {{message.body.begin(), middle}, {middle + 1, message.body.end() - 1}};
}

std::pair<std::string, std::string> notification(const Message& message) {
  const auto begin = message.body.begin() + 4;
  const auto middle = std::find(begin, message.body.end(), 0);
  return {{begin, middle}, {middle + 1, message.body.end() - 1}};
}

void Expectation::expect(std::vector<Message> answer) {
  for (Message& message : answer) {
    if (message.type == 'A' && notification(message).first == shared_channel) continue;
    (message.type == 'A' ? notifications_ : messages_).push_back(std::move(message));
  }
}

void Expectation::clear() {
  may_be_in_other_zone = false;
  messages_.clear();
  notifications_.clear();
}

std::string Expectation::take(const Message& message) {
  std::deque<Message>& wanted = message.type == 'A' ? notifications_ : messages_;
  if (!wanted.empty() && (is_same(message, wanted.front()) ||
                          (may_be_in_other_zone && differ_in_zone(message, wanted.front())))) {
    wanted.pop_front();
    return {};
  }
  return "got " + in_words(message, true) + "\n  a direct connection would have said: " +
         (wanted.empty() ? std::string("nothing") : in_words(wanted.front(), true));
}

std::string Expectation::missing() const {
  return messages_.empty() ? std::string() : in_words(messages_.front(), true);
}

std::string Expectation::missing_notification() const {
  return notifications_.empty() ? std::string() : in_words(notifications_.front(), true);
}

}  // namespace pgweir::simulation
