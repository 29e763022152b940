// What a client has still to hear, message by message, as a direct connection would have said it. Pure.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/world/messages.hpp"

namespace pgweir::simulation {

class Expectation {
 public:
  void expect(std::vector<Message> answer);
  // Notifications on this channel, which other clients use, too, are not expected one by one.
  static constexpr const char* shared_channel = "news";
  // The last column of rows that begin with this depends on when the statement was analysed.
  static constexpr const char* zoned_row = "zoned";
  bool may_be_in_other_zone = false;
  void clear();
  // Empty: the message is what had to come next. Otherwise what is wrong with it.
  std::string take(const Message& message);
  // A message that should have come by now, in words; empty: there is none.
  std::string missing() const;
  // The same of notifications, which may come somewhat later.
  std::string missing_notification() const;

 private:
  std::deque<Message> messages_;
  std::deque<Message> notifications_;  // which may come one ReadyForQuery earlier or later
};

// Whether a client would take one for the other: process numbers, the numbers of tables and the place in PostgreSQL's
// source where an error was raised may differ.
bool is_same(const Message& one, const Message& other);
// Name and value of a ParameterStatus.
std::pair<std::string, std::string> parameter(const Message& message);
// Channel and payload of a NotificationResponse.
std::pair<std::string, std::string> notification(const Message& message);

}  // namespace pgweir::simulation
