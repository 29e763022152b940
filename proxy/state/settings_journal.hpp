// What a session's statements do to its settings, as far as their texts tell: which settings are in force in
// the middle of a transaction, and what a transaction has changed when it is over.
//
//   sent      begin(step)    what the statement does, if it succeeds
//   answered  ended(): it did, or did not
//   ReadyForQuery            ready(): outside of a transaction block what has happened stays
//
// SET and its relatives obey transactions and savepoints: what is open moves to committed() with a COMMIT,
// goes with a ROLLBACK, and goes in part with a ROLLBACK TO. What only may have happened is a doubt: the
// server is asked for the setting by its name, or for all where a doubt has no name. Pure; owned by one
// session. Steps end in the order in which they began.
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
    savepoint,  // `name`, and so in the next two
    rollback_to,
    release,
    may_commit,  // code that may end transactions: when it fails, some of what it did may stay
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
  // Names in doubt that are followed one by one; with more of them all settings are in doubt.
  static constexpr std::size_t doubts_max = 32;
  // Items of one transaction; a transaction with more of them is all in doubt.
  static constexpr std::size_t items_max = 1'024;

  void begin(SettingsStep step);
  void ended(bool succeeded);
  // An error that was the client's.
  void failed() { state().failed = true; }
  void ready(TransactionStatus status);
  // A doubt that arose unseen, in this transaction or right after its end.
  void doubt(std::string name);

  // Nothing is known to have happened, and nothing under way.
  bool is_empty() const { return s_ == nullptr; }
  // Control of the transaction (COMMIT, ROLLBACK TO ...) has to be noted.
  bool follows_control() const {
    return s_ != nullptr && (has_pending() || !s_->open.empty() || !s_->marks.empty());
  }
  // A message of ours, or of the client's, that may change settings has not been answered.
  bool has_pending() const { return s_ != nullptr && s_->spent < s_->pending.size(); }

  // The settings that are in force now, in a session that had `desired` when the transaction began and
  // brought `startup`. nullopt: that is not known. Only while nothing is pending.
  std::optional<SettingMap> in_force(const SettingMap& desired, const SettingMap& startup) const;
  // What is in force is `desired`, as far as analysis is concerned.
  bool leaves_context() const;
  // Something in this transaction may have put the temporary schema into search_path.
  bool may_use_temporary_path() const;

  // What of it is certain since the last clear(), in order: no local ones, no control, no doubts.
  const SettingsStep& committed() const;
  const std::vector<std::string>& doubts() const;
  bool doubts_all() const { return s_ != nullptr && s_->doubts.all; }
  void clear();

 private:
  struct Mark {
    std::string savepoint;
    std::size_t at = 0;  // in open_
  };
  bool is_context_lost() const;
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

  // Most sessions have none, most of the time.
  struct State {
    std::vector<SettingsStep> pending;  // from `spent` on
    std::size_t spent = 0;
    SettingsStep open;  // of the running transaction
    std::vector<Mark> marks;
    SettingsStep committed;
    Doubts doubts;
    bool failed = false;        // since the last ReadyForQuery
    bool block_failed = false;  // a COMMIT would roll back
    bool context_lost = false;  // until the end of the transaction
    bool holds_nothing() const;
  };
  State& state();
  void drop_if_empty();
  std::unique_ptr<State> s_;
};

// Whether parse analysis or planning may read the setting: all but those that are known to be read by
// neither. See analysis_settings().
bool matters_to_analysis(std::string_view name);
// The settings of a map that do. Statements are shared between clients that have the same ones.
SettingMap analysis_settings(const SettingMap& settings);

// All of it sets what is set already: carrying it out would change nothing. As clients do that say the same in
// each transaction.
bool is_in_force(const SettingsStep& step, const SettingMap& settings);

// Carries out what committed() says, on both maps, in a session whose login gave it no role of its own
// (ALTER ROLE ... SET role). `restored`: the client's startup settings were applied again after a DISCARD
// ALL.
void apply_settings(const SettingsStep& committed, const SettingMap& startup, bool restored,
                    SettingMap& desired, SettingMap& applied);

}  // namespace pgweir
