// Makes up what a client sends: batches of messages, each ended by what the server answers with ReadyForQuery. Every
// value carries a word that no other client uses, so that a row of somebody else's is known at once. Pure but for
// chance.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "protocol/bytes.hpp"
#include "protocol/startup.hpp"
#include "tests/simulation/clients/client_habits.hpp"
#include "tests/simulation/kernel/random.hpp"
#include "tests/simulation/model/session.hpp"

namespace pgweir::simulation {

struct Batch {
  std::string in_words;
  ByteBuffer bytes;
  // Of one that takes long:
  std::string word;  // which no other batch has
  SimTime lasts{};
};

class ScriptWriter {
 public:
  ScriptWriter(int client, Random random, ClientHabits habits)
      : client_(client), random_(random), habits_(habits) {}

  // A new connection of the client.
  void begin_session();
  std::vector<StartupParameter> startup_parameters();
  // `now`: what the session has. What keeps others from its server connection is ended after a few batches.
  // `is_pipelined`: earlier batches are still unanswered.
  Batch next(const SessionFacts& now, bool is_pipelined);
  Batch sleep(SimTime lasts);
  // An answer of about that many bytes.
  Batch long_answer(std::size_t size);
  // What the server does not answer yet.
  Batch unsynced();
  // A row that must never be committed: the client has to leave before it has asked for that.
  Batch unfinished();
  static constexpr const char* ticket = "public.ticket";  // a sequence that many clients set
  static constexpr const char* ledger =
      "public.ledger";  // to which all add rows; the first word of those is:
  static constexpr const char* ghost = "ghost";
  // What puts an end to what the client may have open, so that it can leave in peace.
  Batch last();

  // Whether this has a word that only another client sends.
  bool is_of_other(std::string_view text) const;
  // Statements that may be read again under another TimeZone, if that changes.
  bool has_zoned() const { return may_have_zoned_; }

 private:
  std::string nonce();
  std::string number_word();
  // Of this session alone.
  std::string own_name(const std::string& prefix) const;
  StatementKind kind();
  std::string statement();
  std::string statement_of(StatementKind kind);
  std::string rows_statement();
  std::string transaction_statement();
  std::string setting_statement();
  std::string role_statement();
  std::string table_statement();
  std::string prepare_statement();
  std::string cursor_statement();
  std::string lock_statement();
  std::string listen_statement();
  std::string place_statement();
  std::string ddl_statement();
  std::string sequence_statement();
  std::string reported_statement();
  // Changes what a transaction may take back.
  std::string effect(const SessionFacts& now);
  std::string setting_effect();
  std::string look_at_effects();
  void plan_savepoints(const SessionFacts& now);
  Batch planned();
  Batch alone(const std::string& text) const;
  Batch simple(const std::string& text) const;
  Batch query(bool has_failed);
  Batch copy();
  Batch change_board();
  Batch extended();
  // Statements that a name stands for take as many parameters each time: in a failed transaction a pooled client hears
  // of that where a direct one hears of a wrong number.
  void add_extended(Batch& batch);
  void add_shared(Batch& batch);
  void add_changing(Batch& batch);
  void add_zoned(Batch& batch);
  void add_named_setting(Batch& batch);
  // Two portals, one of which may hide the other, and what is run of them.
  void add_portals(Batch& batch);
  // What running it once more, or not at all, makes a difference for.
  std::string statement_to_bind();
  // A Bind of the unnamed portal; the statement takes one parameter.
  void add_bind(Batch& batch, const std::string& name, const std::string& value);

  const int client_;
  Random random_;
  const ClientHabits habits_;
  int sessions_ = 0;
  int nonces_ = 0;
  bool brings_settings_ = false;
  // Reported settings that the session has not brought.
  std::vector<std::string> reported_;
  // The unnamed statement that was parsed last, if it may be bound again.
  struct Unnamed {
    bool has_parameter;
    std::string sql;
  };
  std::optional<Unnamed> unnamed_;
  bool may_have_temporary_ = false;  // or has had it, in this session
  bool may_have_shared_ = false;     // statements under a name, of a text that other clients have, too
  bool has_own_place_ = false;
  bool is_stale_prone_ =
      false;  // what add_extended() has written last: its columns must not be asked for again
  bool may_have_own_table_ = false;  // one that is not temporary
  bool has_own_sequence_ = false;
  bool may_have_zoned_ = false;
  bool is_beside_others_ = false;    // what is written now, in one pipeline
  bool may_hide_place_ = false;      // what is written now is a message of its own
  std::deque<std::string> planned_;  // the statements that come next, one by one
  std::uint64_t holds_ = 0;          // batches since the session began to hold something
};

}  // namespace pgweir::simulation
