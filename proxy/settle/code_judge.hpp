// What the code that a transaction has run may do: functions, triggers, views and sequences. The server is
// asked once for each, and then it is known. Keeps nothing itself: works on the session's Exchange. Thread
// rule: the session's worker.
#pragma once

#include <optional>
#include <string_view>

#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/own_queries.hpp"
#include "proxy/reply/reply_events.hpp"

namespace pgweir {

// A question that the client's timeouts do not end.
OwnQuestion unhurried(const Exchange& exchange, OwnQuery which, std::string_view sql);

class CodeJudge final {
 public:
  explicit CodeJudge(Exchange& exchange) : x_(exchange) {}

  // The next question to the server that has to be answered before the code can be judged.
  std::optional<OwnQuestion> next();
  void take_answers(ReplyEvents& events);
  // What is still unknown now stays so, and is treated with suspicion. Then all is known that the transaction's
  // code has done, also where there was none.
  void judge_again();

 private:
  OwnQuestion ask_triggers();
  void take_triggers();
  OwnQuestion ask_sources();
  void take_sources();
  void look_again();
  void judge_definitions();
  void note(const FunctionEffects& code, std::string_view text);
  void share_presumed();

  Exchange& x_;
};

}  // namespace pgweir
