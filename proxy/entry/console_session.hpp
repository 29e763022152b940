// What a session has instead of a pool when its client has logged in to the console: its commands go to the
// main thread, one at a time. Thread rule: the session's worker.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "protocol/bytes.hpp"
#include "proxy/entry/session_parts.hpp"
#include "proxy/login/client_login.hpp"
#include "proxy/net/task.hpp"

namespace pgweir {

class ConsoleSession {
 public:
  // The greatest length of a command's text; a longer message is a violation.
  static constexpr std::uint32_t message_max = 16 * 1024;
  // This many clients more than listen.max_clients may log in to the console: it is needed most when all
  // places are taken.
  static constexpr std::size_t reserve = 8;

  // Null: the user may not use the console, and the session has ended.
  static std::unique_ptr<ConsoleSession> enter(SessionParts parts, const ClientLogin& login);
  ~ConsoleSession();
  ConsoleSession(const ConsoleSession&) = delete;
  ConsoleSession& operator=(const ConsoleSession&) = delete;

  // Runs until the session ends.
  Task<> serve();
  void take_reply(const ByteBuffer& reply);

  const std::string& user() const { return user_; }
  const std::string& database() const { return database_; }
  bool is_busy() const { return busy_; }
  std::uint32_t cancel_pid() const { return cancel_pid_; }
  TimePoint last_activity() const { return last_activity_; }

 private:
  ConsoleSession(SessionParts parts, const ClientLogin& login, bool may_operate);
  void welcome(const ClientLogin& login);
  void take_input();
  void take_message(char type, ByteView body);

  SessionParts parts_;
  std::string user_;
  std::string database_;
  bool may_operate_;
  bool busy_ = false;   // a command is being carried out
  bool skips_ = false;  // an extended query was refused: the rest of its batch is skipped, up to its Sync
  std::uint32_t cancel_pid_ = 0;
  TimePoint last_activity_{};
};

}  // namespace pgweir
