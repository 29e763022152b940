// Scripts for the response tracker in one line, so that a test reads like a row of a protocol trace.
//
//   "> P B E S < 1 2 D C Z(I)"     > announced to the server, in order      < replies of the server
//
// After '>'   P Parse, B Bind, Ds Dp Describe statement/portal, E Execute, C Close, Q Query, F FunctionCall,
//             S Sync, c f CopyDone/CopyFail, # the fence, H Flush; d CopyData is not announced.
//             Suffix: * may open COPY IN, ! injected, - dropped, ~ mute.
// After '<'   the type byte; ReadyForQuery as Z(I), Z(T) or Z(E).
//
// What comes of it is text as well:
//   client      what the client sees; '-' for a reply that is dropped, '!' for a protocol violation,
//               [1] [3] for a reply that we inject
//   ended       '+' done, 'x' failed, '.' skipped; without the marks of CopyDone and CopyFail
//   state       settled | skipping unsynced copy copy? fence! fencing, or "owed" alone
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "protocol/response_tracker.hpp"

namespace pgweir::test {

class TrackerScript final : public ReplySink {
 public:
  void run(const std::string& script) {
    std::istringstream words(script);
    bool from_server = false;
    for (std::string word; words >> word;) {
      if (word == ">" || word == "<") {
        from_server = word == "<";
      } else if (from_server) {
        reply(word);
      } else {
        announce(word);
      }
    }
  }

  std::string client() const { return join(client_); }
  std::string ended() const { return join(ended_); }
  std::string state() const {
    if (tracker.settled()) return "settled";
    std::string s;
    const auto add = [&s](bool holds, const char* word) {
      if (holds) s += (s.empty() ? "" : " ") + std::string(word);
    };
    add(tracker.skipping(), "skipping");
    add(tracker.unsynced(), "unsynced");
    add(tracker.copy_in(), "copy");
    add(tracker.copy_possible() && !tracker.copy_in(), "copy?");
    add(tracker.needs_fence(), "fence!");
    add(tracker.fencing(), "fencing");
    return s.empty() ? "owed" : s;
  }

  ResponseTracker tracker;

 private:
  static std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& w : words) out += (out.empty() ? "" : " ") + w;
    return out;
  }

  void announce(std::string word) {
    if (word == "d") return;
    if (word == "H") return tracker.flush();
    if (word == "#") return tracker.begin_fence();
    Expected e;
    for (char last = word.back(); word.size() > 1; last = word.back()) {
      if (last == '*') e.may_copy = true;
      if (last == '!') e.fate = Fate::inject;
      if (last == '-') e.fate = Fate::drop;
      if (last == '~') e.fate = Fate::mute;
      if (std::string("*!-~").find(last) == std::string::npos) break;
      word.pop_back();
    }
    static const std::map<std::string, Reply> replies{{"P", Reply::parse},
                                                      {"B", Reply::bind},
                                                      {"Ds", Reply::describe_statement},
                                                      {"Dp", Reply::describe_portal},
                                                      {"E", Reply::execute},
                                                      {"C", Reply::close},
                                                      {"Q", Reply::query},
                                                      {"F", Reply::function_call},
                                                      {"S", Reply::sync},
                                                      {"c", Reply::copy_end},
                                                      {"f", Reply::copy_end}};
    e.reply = replies.at(word);
    tracker.expect(std::move(e), *this);
    flush_injected();
  }

  void reply(const std::string& word) {
    const auto status = word.size() == 4 ? static_cast<TransactionStatus>(word[2]) : TransactionStatus::idle;
    const auto verdict = tracker.receive(word[0], status, *this);
    client_.push_back(verdict == ResponseTracker::Verdict::forward ? word
                      : verdict == ResponseTracker::Verdict::drop  ? "-"
                                                                   : "!");
    flush_injected();
  }

  // Injected replies come behind the reply that made room for them.
  void flush_injected() {
    client_.insert(client_.end(), injected_.begin(), injected_.end());
    injected_.clear();
  }

  void inject(const Expected& e) override { injected_.emplace_back(e.reply == Reply::parse ? "[1]" : "[3]"); }

  void ended(const Expected& e, Outcome outcome) override {
    if (e.reply == Reply::copy_end) return;
    static const char* const names[] = {"P", "B", "Ds", "Dp", "E", "C", "Q", "F", "S", "c", "#"};
    static const char* const outcomes[] = {"+", "x", "."};
    ended_.push_back(std::string(names[static_cast<int>(e.reply)]) + outcomes[static_cast<int>(outcome)]);
  }

  std::vector<std::string> client_;
  std::vector<std::string> injected_;
  std::vector<std::string> ended_;
};

struct TrackerRow {
  const char* name;
  const char* script;
  const char* client;
  const char* ended;
  const char* state;
};

// One row of a table of cases.
inline void check(const TrackerRow& row) {
  INFO(row.name << "\n  " << row.script);
  TrackerScript script;
  script.run(row.script);
  CHECK(script.client() == row.client);
  CHECK(script.ended() == row.ended);
  CHECK(script.state() == row.state);
}

}  // namespace pgweir::test
