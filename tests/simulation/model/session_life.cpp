// What happens to a session from outside of its connection, how it ends, and what is left in it.
#include <utility>

#include "protocol/startup.hpp"
#include "tests/simulation/model/channels.hpp"
#include "tests/simulation/model/session.hpp"
#include "tests/simulation/model/setting_commands.hpp"
#include "tests/simulation/model/state_answers.hpp"
#include "tests/simulation/model/transaction.hpp"

namespace pgweir::simulation {

void ModelSession::notify(Notification notification) {
  if (s_.listening.contains(notification.channel)) s_.notifications.push_back(std::move(notification));
}

// A signal that comes while the session waits for its client is ignored, but for one that is meant to meet
// the next statement.
void ModelSession::cancel(bool with_next_statement) {
  if (blocked_) {
    cancel_ = Cancel::now;
  } else if (with_next_statement) {
    cancel_ = Cancel::with_next;
  }
}

void ModelSession::terminate(SqlError why) {
  if (phase_ != Phase::closed) termination_ = std::move(why);
}

bool ModelSession::has_secret(ByteView secret) const {
  return secret.size() == 4 && load_u32(secret.data()) == secret_;
}

void ModelSession::disconnect() {
  if (phase_ != Phase::closed) end(nullptr);
}

// Rolls back, and lets go of everything. `why`: what the client is told, and why it is FATAL.
void ModelSession::end(const SqlError* why) {
  if (why != nullptr) {
    SqlError fatal = *why;
    fatal.severity = "FATAL";
    write_error(s_.out, fatal);
  }
  const bool served = phase_ == Phase::serving;
  phase_ = Phase::closed;
  if (served && s_.transaction.block != Block::none) {
    s_.transaction.block = Block::abort_pending;
    TransactionControl(s_).finish_command();
  }
  s_.portals.clear();
  s_.listening.clear();
  s_.notifications.clear();
  s_.cluster.locks().release_all(s_.pid);
  if (served) s_.cluster.drop_temporary(s_);
  s_.cluster.leave(*this);
  s_.cluster.wake_waiting();
}

SessionFacts ModelSession::facts() const {
  SessionFacts facts;
  if (phase_ != Phase::serving) return facts;
  auto& state = const_cast<SessionState&>(s_);
  facts.status = TransactionControl(state).status();
  facts.settings = s_.settings.changed();
  facts.session_user = s_.identity.session_user();
  facts.current_user = s_.identity.current_user();
  facts.role = *SettingCommands(state).shown("role");
  for (const auto& [name, prepared] : s_.prepared) facts.prepared[name] = {prepared.text, prepared.from_sql};
  for (const auto& [name, portal] : s_.portals) facts.portals.push_back(name);
  for (const Relation* const relation :
       s_.cluster.catalog(s_.database).in_schema(s_.temporary_schema(), s_.transaction.id))
    facts.temporary_tables.push_back(relation->name);
  facts.advisory_locks = s_.cluster.locks().advisory_locks(s_.pid).size();
  facts.channels.assign(s_.listening.begin(), s_.listening.end());
  facts.has_sequence_values = s_.last_sequence != 0;
  return facts;
}

bool ModelSession::is_clean() const {
  if (phase_ != Phase::serving) return false;
  const SessionFacts now = facts();
  for (const auto& [name, prepared] : now.prepared) {
    if (!name.empty() && !name.starts_with(own_statement_prefix)) return false;
  }
  const bool is_itself =
      now.session_user == s_.identity.login_user() && now.role == s_.settings.value_at_login("role");
  return now.status == TransactionStatus::idle && s_.transaction.block == Block::none && is_itself &&
         now.settings.empty() && now.portals.empty() && now.temporary_tables.empty() &&
         now.advisory_locks == 0 && now.channels.empty();
}

}  // namespace pgweir::simulation
