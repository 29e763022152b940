// What a session's transaction has left behind: known from its texts and tags, or asked of the server. Between
// two transactions next() names the questions that are left, one after the other; when there is none any more,
// what the session has set, what its backend has, and why it is pinned are right. Thread rule: the session's
// worker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/enum_set.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/own_queries.hpp"
#include "proxy/reply/reply_events.hpp"
#include "proxy/state/state_check.hpp"

namespace pgweir {

class StateTracker final {
 public:
  // A question to the server that is cancelled is asked at most this often in all.
  static constexpr unsigned attempts_max = 3;

  explicit StateTracker(Exchange& exchange) : x_(exchange) {}

  std::optional<OwnQuestion> next();
  // The question about everything, for a backend that should have nothing unknown.
  OwnQuestion audit();
  // Takes the answers that are complete. Returns the question that has to follow at once, or nullopt.
  // Exchange::own.failed: what the backend has set cannot be known.
  std::optional<OwnQuestion> take_answers(ReplyEvents& events);

  // What an audit has found since this was last asked; an empty text: no difference.
  std::optional<std::string> take_finding() {
    return asked_ ? std::exchange(asked_->finding, std::nullopt) : std::nullopt;
  }
  // The first words of the statement that may have pinned, if the server was asked about it.
  std::string take_cause() { return asked_ ? std::exchange(asked_->cause, {}) : std::string(); }
  // The session is at rest, or the backend that was asked is gone.
  void forget() { asked_.reset(); }

 private:
  bool settings_are_open() const;
  void question_settings(StateQuestion& question);
  PinSet open_pins();
  void note_sequences();
  OwnQuestion ask_state(StateQuestion question);
  OwnQuestion state_question();
  std::string named_question();
  std::optional<OwnQuestion> ask_state_again();
  OwnQuestion ask_last_value();
  void take_last_value();
  std::optional<OwnQuestion> take_state();
  std::optional<OwnQuestion> take_settings(SettingMap applied, bool after_reset, bool resets_role);
  void take_named_settings(const std::vector<std::string>& names, const SettingMap& values, bool after_reset);
  void apply_committed();
  void want(SettingMap desired);
  void note_finding(const StateAnswer& answer);

  Exchange& x_;
  // A question about the state, while it is under way, and until its answer was taken.
  struct Asked {
    StateQuestion question;
    unsigned again = 0;  // how often it was asked again, because it was cancelled
    enum class About : std::uint8_t {
      audit,
      preparing,   // it also prepares the statement about names on this backend
      reset,       // a RESET came before it
      role_reset,  // and so did one of the role, as the last thing that was done to it
    };
    EnumSet<About, std::uint8_t> about;
    std::string cause;  // the first words of what may have pinned
    std::optional<std::string> finding;
  };
  Asked& asked() {
    if (!asked_) asked_ = std::make_unique<Asked>();
    return *asked_;
  }
  std::unique_ptr<Asked> asked_;     // null: nothing was asked since the last rest
  bool unknown_names_ = false;       // the backend may have custom settings that cannot be listed
  bool last_value_is_open_ = false;  // lastval() has to be asked
};

}  // namespace pgweir
