// Client to server: decides, message by message, what goes to the backend, under which names, and what else
// has to go in front of it. Pure apart from what it appends to the worker's Outgoing buffers. Thread rule:
// the session's worker.
#pragma once

#include "protocol/framer.hpp"
#include "protocol/frontend.hpp"
#include "protocol/sql_effects.hpp"
#include "protocol/sql_named.hpp"
#include "proxy/base/counters.hpp"
#include "proxy/code/unseen_code.hpp"
#include "proxy/session/exchange.hpp"

namespace pgweir {

struct ReadText;

// Runs, makes or drops a prepared statement by its name; `verb` is the text's first.
bool names_statement(Verb verb, std::string_view text);
// By how much a text became longer.
std::int32_t growth(std::string_view before, std::string_view after);

class RequestPath final {
 public:
  RequestPath(Exchange& exchange, ReplySink& sink) : x_(exchange), sink_(sink) {}

  enum class Disposition : std::uint8_t {
    taken,          // forwarded, answered or discarded
    hold,           // offer it again when more replies have come
    needs_backend,  // offer it again with a backend
    terminate,
    copy_violation,  // a message that COPY IN does not allow
    too_many_names,
  };

  // Of a step on the way of a message to the server.
  enum class [[nodiscard]] Progress : std::uint8_t{
      done,
      hold,  // the message has to be offered again when more replies have come
  };

  Disposition take(const Piece& piece);
  // What the functions have done, perhaps, that the transaction has called.
  void note_code(const FunctionEffects& code, std::string_view text);
  // The code that it has called cannot be read, or not any more.
  void note_opaque_code(std::string_view text);
  // Something that ran unseen may have taken the next value of a sequence.
  void note_advance();

 private:
  bool owes_answers() const;
  Disposition take_first(const Piece& piece);
  Disposition take_rest(const Piece& piece);
  Disposition take_copy(const Piece& piece);
  Disposition take_sync(const Piece& piece);
  Disposition take_function_call(const Piece& piece);
  Disposition take_query(const Piece& piece);
  Disposition take_parse(const Piece& piece);
  Disposition take_named_parse(std::string_view name, std::string_view text, ByteView types);
  Disposition take_bind(const Piece& piece);
  Disposition take_describe(const Piece& piece);
  Disposition take_close(const Piece& piece);
  Disposition take_execute(const Piece& piece);
  ParseMoment parse_moment() const;
  void ask_shape(const StatementRef& statement, Purpose purpose, std::string_view name = {});
  Disposition send_bind(const Piece& piece, const BindView& bind, std::string_view server_name,
                        Expected&& expected);
  Disposition refuse_bind(const Piece& piece, const BindView& bind, const StatementRef& statement);
  void note_undescribed(const BindView& bind, bool described);
  void note_described(const TargetView& target);
  void probe_name(std::string_view name, std::string_view text, ByteView types);
  Disposition repeat_parse(const ParseView& parse);

  enum class Provided : std::uint8_t {
    yes,
    not_yet,  // hold
    changed,  // the server describes it otherwise than the client was told
  };
  // Makes the statement that `name` stands for usable on the backend, by a Parse or Close of ours if need be.
  // `is_own`: the client's name stands for it, and not for one that names it. A client that was never told
  // what it looks like gets a new one in the place of one that has changed.
  Provided provide(std::string_view name, StatementRef& statement, bool is_own,
                   const BindView* bind = nullptr);
  Provided check_shape(std::string_view name, StatementRef& statement, const BindView* bind);
  Provided provide_unnamed(const StatementRef& statement);
  Progress provide_named(const StatementRef& statement);
  ByteView known_types(const Statement& statement) const;
  void make_room_for(const StatementRef& statement);
  Progress provide_for_query(const StatementRef& statement);
  Progress provide_by_sql(const StatementRef& statement);
  void evict();
  void trim(std::size_t room);
  bool close_surplus(std::size_t room, Fate fate);
  // Puts a statement of ours at this place of the stream, whose replies the client does not see.
  Progress insert_statement(std::string_view sql, const StatementRef& prepares);

  Disposition forward(const Piece& piece, Expected&& expected);
  Disposition counted(Disposition disposition, Counter PoolCounters::*counter);
  void forward_bytes(const Piece& piece);
  Disposition take_naming_parse(const Piece& piece, const ParseView& parse);
  // A statement that another one names, and how.
  struct NamedUse {
    NamedStatement named;
    StatementRef statement;
  };
  std::optional<NamedUse> find_named(std::string_view text) const;
  Progress resolve(StatementRef& statement, int depth = 0);
  StatementRef unnamed_of(std::string_view text, ByteView types) const;
  void note_deallocate(const Statement& statement);
  void tell_cut(std::string_view text, const NamedStatement& named);
  std::string rename_prepare(std::string_view text);
  bool may_name_statement(std::string_view text, const SqlEffects& effects) const;
  std::optional<Disposition> rewrite_named_query(std::string_view text, const SqlEffects& effects,
                                                 Expected& expected);
  std::optional<Disposition> rewrite_string(std::string_view text, const SqlEffects& effects,
                                            Expected& expected);
  void send_rewritten(std::string_view text, Expected& expected);
  // What the statement may do to the session, for Session::at_rest().
  // What it does to settings is collected in step_. `values`: those of a Bind, or null.
  void note(const SqlEffects& effects, std::string_view text, const BoundValues* values = nullptr);
  bool is_plain_query(const SqlEffects& effects) const;
  bool may_run_unknown(const SqlEffects& effects, std::string_view text) const;
  void note_settings(const SqlEffects& effects, std::string_view text, const BoundValues* values);
  void note_string(std::string_view text);
  void note_config(const SetConfigUse& use, std::string_view text, const BoundValues* values);
  // The collected step goes with this message.
  void attach_step(Expected& expected);
  SettingsStep take_bound_step(std::string_view portal);
  bool path_may_be_temporary() const;
  void judge_code(std::string_view text, const BoundValues* values = nullptr);
  void note_triggers(std::string_view text);
  void note_definitions(std::string_view text);
  void note_named(const Statement& statement);
  void note_set(std::string_view text);
  void note_names(std::string_view text, bool bound);
  void note_free_code(const UnseenCode& code);
  void note_prepare(const SqlEffects& effects, std::string_view text);
  bool loses_startup(Verb verb, std::string_view text) const;
  void restore_startup();
  Progress restore_behind_discard(FrontendType next);
  void keep_bound(std::string_view portal, const StatementRef& statement, std::int32_t longer);
  void note_portal(std::string_view portal, const StatementRef& statement, ByteView values);
  Progress guard_sequences(const SqlEffects& effects, std::string_view text);
  Progress take_over_sequences(const SqlEffects& effects, std::string_view text);
  void guard_batch(const Statement& statement);
  void begin_query(Expected& expected);

  // LISTEN (request_listen.cpp)
  Progress follow_query(std::string_view text, bool understood, const SqlEffects& effects,
                        Expected& expected);
  void follow_bind(std::string_view portal, const StatementRef& statement);
  Progress follow_execute(const Piece& piece, Expected& expected);
  Progress show_channels(std::string_view text);
  bool status_is_known() const;
  TransactionStatus transaction_status() const;

  Exchange& x_;
  ReplySink& sink_;
  SettingsStep step_;
  const ReadText* read_text_ = nullptr;  // of the Query in hand, if it was worth keeping
  bool in_message_ = false;              // a message of the client's is being looked at
  bool discarding_rest_ = false;         // of a streamed message
};

}  // namespace pgweir
