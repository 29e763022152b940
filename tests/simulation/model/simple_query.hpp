// One Query message (exec_simple_query): a string of statements, which share a transaction unless they say
// otherwise. run() may throw Blocked, and then goes on where it was.
#pragma once

#include "tests/simulation/model/session_state.hpp"

namespace pgweir::simulation {

class SimpleQuery {
 public:
  SimpleQuery(SessionState& state, std::string text) : s_(state), text_(std::move(text)) {}
  void run();
  CopyIn* copy_in() const { return portal_ ? portal_->copy_in.get() : nullptr; }

 private:
  void begin();
  void run_statement();
  void open(const StatementPtr& statement);

  SessionState& s_;
  std::string text_;
  bool begun_ = false;
  std::vector<StatementPtr> statements_;
  std::size_t at_ = 0;
  std::shared_ptr<Portal> portal_;
};

}  // namespace pgweir::simulation
