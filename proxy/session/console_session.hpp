// What a session has instead of a pool when its client has come to the console.
#pragma once

#include <atomic>
#include <string>

#include "protocol/bytes.hpp"

namespace pgweir {

struct ConsoleSession {
  // A command's text; a longer message is a violation.
  static constexpr std::uint32_t message_max = 16 * 1024;
  // So many clients more than listen.max_clients may come in for the console: it is wanted most when all
  // places are taken.
  static constexpr std::size_t reserve = 8;

  // `count`: of all console sessions; it outlives them.
  explicit ConsoleSession(std::atomic<std::size_t>& count) : count_(count) { ++count_; }
  ~ConsoleSession() { --count_; }
  ConsoleSession(const ConsoleSession&) = delete;
  ConsoleSession& operator=(const ConsoleSession&) = delete;

  std::string user;
  std::string database;
  bool may_operate = false;
  bool busy = false;   // a command is being carried out
  bool skips = false;  // an extended query was refused: the rest of it is skipped, up to its Sync

 private:
  std::atomic<std::size_t>& count_;
};

}  // namespace pgweir
