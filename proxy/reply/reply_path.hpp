// Server to client: decides, message by message, what the client gets, and learns from it what the backend
// and the session now have. Pure apart from what it appends to the worker's Outgoing buffers. Thread rule:
// the session's worker.
#pragma once

#include <string_view>
#include <vector>

#include "protocol/backend.hpp"
#include "protocol/framer.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/reply/own_replies.hpp"
#include "proxy/reply/reply_events.hpp"
#include "proxy/reply/shape_learner.hpp"

namespace pgweir {

class ReplyPath final : public ReplySink {
 public:
  explicit ReplyPath(Exchange& exchange) : x_(exchange) {}

  enum class Disposition : std::uint8_t {
    taken,
    ended_and_told,  // the server has ended, and the client has got its last words
    ended_untold,    // the server has ended, and its last words were not for the client
    violation,       // the server does not keep to the protocol
  };
  Disposition take(const Piece& piece);

  // What has happened and has not been acted on yet.
  ReplyEvents& events() { return events_; }
  // The backend that was asked is gone.
  void forget_answers() {
    for (const ReplyEvent event :
         {ReplyEvent::state_answered, ReplyEvent::last_value_answered, ReplyEvent::triggers_answered,
          ReplyEvent::sources_answered, ReplyEvent::prelude_failed})
      events_.erase(event);
  }

  // Whether the client has got the beginning of a message whose rest is still to come: nothing else may be
  // written now.
  bool is_inside_message() const { return forwarding_rest_; }

  void ended(const Expected& expected, Outcome outcome) override;
  void inject(const Expected& expected) override;

 private:
  Disposition take_first(const Piece& piece);
  Disposition take_parameter_status(const Piece& piece);
  void end_backend_statement(const Expected& expected, Outcome outcome);
  void forward(const Piece& piece);
  ResponseTracker::Verdict receive(const Piece& piece, TransactionStatus status);
  void publish_changes();
  void write_due();

  Disposition take_error(const Piece& piece);
  void write_stale_plan();
  bool forward_renamed(ByteView error, const StatementRef& about, std::string_view client_name,
                       std::int32_t grown_by);
  void write_error(ByteView body);
  bool is_for_refused(const Expected& failed, const StatementRef& about, const ErrorView& error) const;
  void write_refused();
  const SqlNaming::Replaced* replaced_name_in(const Piece& piece) const;
  StatementRef statement_concerned(const Expected& failed, const Piece& piece) const;
  StatementRef statement_named_in(const Piece& piece) const;
  void take_notification(const Piece& piece);
  void settle_listening(TransactionStatus status);
  // Whether the oldest message that is unanswered is of a group of pgweir's own, or stands among the client's.
  bool is_inserted() const;

  Exchange& x_;
  ReplyEvents events_;
  ShapeLearner shapes_{x_};
  OwnReplies own_{x_, events_};
  bool forwarding_rest_ = false;  // the client has got the first part of a streamed message
  bool receiving_ = false;
  bool query_failed_ = false;  // the Query that is being answered has failed; it holds a step of the journal
  std::vector<BackendType> due_;  // pgweir's replies that come right after the server's message in hand
};

}  // namespace pgweir
