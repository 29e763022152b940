// What a session's statements do to its settings, as far as their texts tell: which settings are in force in
// the middle of a transaction, and what a transaction has changed when it is over.
//
//   sent      begin(step)    what the statement does, if it succeeds
//   answered  ended(): it did, or did not
//   ReadyForQuery            ready(): outside of a transaction block what has happened stays
//
// SET and its relatives obey transactions and savepoints: what is open moves to committed() with a COMMIT, is
// dropped with a ROLLBACK, and is dropped in part with a ROLLBACK TO. A change that is not certain is a
// doubt: the server is asked for the setting by its name, or for all where a doubt has no name. Pure; owned
// by one session. Steps end in the order in which they began.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/message.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

struct SettingsItem {
  enum class Kind : std::uint8_t {
    set,
    reset,      // to what the client has from its login
    reset_all,  // all but role and session_authorization
    discard_all,
    doubt,        // the setting `name` may have changed; without a name, any setting
    local_doubt,  // something that analysis reads may have changed until the end of the transaction
    commit,
    rollback,
    savepoint,  // with `name`, as the next two
    rollback_to,
    release,
    may_commit,  // code or several statements that may end transactions: when they fail, some of what they did may stay
    unordered,  // the step does more than one thing, and not in this order
  };
  Kind kind = Kind::set;
  bool local = false;  // set and reset: until the end of the transaction
  std::string name{};
  std::string value{};
};
// All that one message does, in order.
using SettingsStep = std::vector<SettingsItem>;

class SettingsJournal {
 public:
  // The most names in doubt that are followed one by one; with more, all settings are in doubt.
  static constexpr std::size_t doubts_max = 32;
  // The most items of one transaction; a transaction with more is all in doubt.
  static constexpr std::size_t items_max = 1'024;

  void begin(SettingsStep step);
  void ended(bool succeeded);
  // An error was the client's.
  void failed() { state().failed = true; }
  void ready(TransactionStatus status);
  // Adds a doubt that arose unseen, in this transaction or right after its end.
  void doubt(std::string name);

  // Whether nothing is known to have happened, and nothing is under way.
  bool is_empty() const { return s_ == nullptr; }
  // Whether control of the transaction (COMMIT, ROLLBACK TO ...) has to be noted.
  bool follows_control() const {
    return s_ != nullptr && (has_pending() || !s_->open.empty() || !s_->marks.empty());
  }
  // Whether a message of the client's or pgweir's that may change settings has not been answered.
  bool has_pending() const { return s_ != nullptr && s_->spent < s_->pending.size(); }

  // The settings that are in force now, in a session that had `desired` when the transaction began and
  // brought `startup`. nullopt: that is not known. May be called only while nothing is pending.
  std::optional<SettingMap> in_force(const SettingMap& desired, const SettingMap& startup) const;
  // Whether the settings in force are `desired`, as far as analysis reads them, or as plan_settings() has them.
  bool leaves_context() const;
  bool leaves_plans() const;
  // Whether something in this transaction may have put the temporary schema into search_path.
  bool may_use_temporary_path() const;

  // The certain changes since the last clear(), in order, without local ones, control and doubts.
  const SettingsStep& committed() const;
  const std::vector<std::string>& doubts() const;
  bool doubts_all() const { return s_ != nullptr && s_->doubts.all; }
  void clear();

 private:
  struct Mark {
    std::string savepoint;
    std::size_t at = 0;  // in State::open
  };
  bool is_context_lost() const;
  bool leaves(bool (*changes)(const SettingsItem&)) const;
  static bool overlay(const SettingsStep& step, const SettingMap& startup, SettingMap& map);
  void apply(SettingsItem&& item);
  void commit();
  void rollback_to(const std::string& savepoint);
  void release(const std::string& savepoint);
  std::size_t find_mark(const std::string& savepoint) const;
  void doubt_step(const SettingsStep& step);
  void push_open(SettingsItem&& item);

  // The settings that may have changed.
  struct Doubts {
    std::vector<std::string> names;
    bool all = false;
    void add(std::string name);
    bool empty() const { return names.empty() && !all; }
    bool concern_analysis() const;
  };

  // Most sessions have no State, most of the time.
  struct State {
    std::vector<SettingsStep> pending;  // from `spent` on
    std::size_t spent = 0;
    SettingsStep open;  // of the running transaction
    std::vector<Mark> marks;
    SettingsStep committed;
    Doubts doubts;
    bool failed = false;        // since the last ReadyForQuery there was an error
    bool block_failed = false;  // a COMMIT would roll back
    bool context_lost = false;  // until the end of the transaction
    bool holds_nothing() const;
  };
  State& state();
  void drop_if_empty();
  std::unique_ptr<State> s_;
};

// Whether all items set what is set already, so that carrying them out would change nothing. This is for
// clients that set the same in each transaction.
bool is_in_force(const SettingsStep& step, const SettingMap& settings);

// Carries out what committed() says, on both maps, in a session whose login gave it no role of its own
// (ALTER ROLE ... SET role). `restored`: the client's startup settings were applied again after a DISCARD
// ALL.
void apply_settings(const SettingsStep& committed, const SettingMap& startup, bool restored,
                    SettingMap& desired, SettingMap& applied);

}  // namespace pgweir
