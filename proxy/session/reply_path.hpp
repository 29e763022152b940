// Server to client: decides, message by message, what the client gets, and learns from it what the backend
// and the session now have. Pure apart from what it appends to the worker's Outgoing buffers. Thread rule:
// the session's worker.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "protocol/backend.hpp"
#include "protocol/error_response.hpp"
#include "protocol/framer.hpp"
#include "proxy/backend/shape_reader.hpp"
#include "proxy/session/exchange.hpp"

namespace pgweir {

class ReplyPath final : public ReplySink {
 public:
  explicit ReplyPath(Exchange& exchange) : x_(exchange) {}

  enum class Disposition : std::uint8_t {
    taken,
    server_ended,  // its last words were forwarded; nothing follows
    server_gone,   // they were not for the client; nothing follows
    violation,     // it does not keep to the protocol
  };
  Disposition take(const Piece& piece);

  // What happened since these were last asked.
  bool take_query_done() { return std::exchange(query_done_, false); }
  // The batch has failed unseen, and may be sent again.
  bool take_batch_failed() { return std::exchange(batch_failed_, false); }
  bool take_transaction_done() { return std::exchange(transaction_done_, false); }
  // The backend that was asked is gone.
  void forget_answers() {
    state_answered_ = last_value_answered_ = triggers_answered_ = sources_answered_ = false;
    prelude_failed_ = false;
  }
  bool prelude_failed() const { return prelude_failed_; }
  bool take_prelude_failed() { return std::exchange(prelude_failed_, false); }
  bool take_last_value_answered() { return std::exchange(last_value_answered_, false); }
  bool take_triggers_answered() { return std::exchange(triggers_answered_, false); }
  bool take_sources_answered() { return std::exchange(sources_answered_, false); }
  bool take_state_answered() { return std::exchange(state_answered_, false); }

  // Tells the client the parameters that the backend has and it does not know.
  void tell_parameters();

  void ended(const Expected& expected, Outcome outcome) override;
  void inject(const Expected& expected) override;

 private:
  Disposition take_first(const Piece& piece);
  void end_held(const Expected& expected, Outcome outcome);
  void forward(const Piece& piece);
  ResponseTracker::Verdict receive(const Piece& piece, TransactionStatus status);
  void publish_changes();
  void write_due();

  // Errors (reply_errors.cpp)
  Disposition take_error(const Piece& piece);
  enum class Repair : std::uint8_t {
    no,
    parse_again,  // it is gone from the server
    renew,        // it is not what it was
  };
  Repair repair_of(const Expected& failed, const ErrorView& error, const StatementRef& about,
                   std::string_view client_name);
  void write_stale_plan();
  void take_own_error(const Expected& failed, const ErrorView& error);
  bool may_send_again(const Expected& failed) const;
  bool forward_renamed(const Piece& piece, const StatementRef& about, std::string_view client_name,
                       std::int32_t longer);
  StatementRef statement_named_in(const Piece& piece) const;

  // What the server says of statements (reply_shape.cpp)
  // The statement whose description is arriving, what for, and the client's name for it.
  struct Described {
    StatementRef statement;
    Purpose purpose = Purpose::plain;
    std::shared_ptr<const std::string> name;
    ShapeReader shape{};
  };
  bool describes_statement() const {
    const Expected* const oldest = x_.tracker.oldest();
    return oldest != nullptr && oldest->reply == Reply::describe_statement;
  }
  void take_description(const Piece& piece);
  void learn_shape(const Described& described, const StatementShape& shape);
  void shape_changed(const Described& described, const StatementShape& shape);

  // What the server tells about the session (reply_session.cpp)
  void take_parameter(const Piece& piece);
  void tell_restored();
  std::string_view value_for_client(const ParameterStatusView& status) const;
  void take_tag(const Piece& piece);
  void take_prepared();
  void take_notification(const Piece& piece);
  void settle_listening(TransactionStatus status);
  void take_own_row(const Piece& piece);
  void end_own_query();
  // The oldest expectation is a query of ours.
  bool is_own() const;
  // Or a message of ours among the client's.
  bool is_inserted() const;

  Exchange& x_;
  bool forwarding_rest_ = false;  // of a streamed message
  bool receiving_ = false;
  std::unique_ptr<Described> described_;
  ByteBuffer own_row_;            // the part of a row of ours that has arrived
  std::vector<BackendType> due_;  // replies of ours that come right after the server's message in hand
  bool batch_failed_ = false;
  bool query_done_ = false;
  bool transaction_done_ = false;
  bool prelude_failed_ = false;
  bool state_answered_ = false;
  bool last_value_answered_ = false;
  bool triggers_answered_ = false;
  bool sources_answered_ = false;
  bool own_prepare_failed_ = false;  // of a PREPARE that was sent again
  bool query_failed_ = false;        // the Query that is being answered, if it holds a step of the journal
};

}  // namespace pgweir
