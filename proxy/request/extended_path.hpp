// The extended query protocol, client to server: statements under the client's names, on a backend that knows
// them under pgweir's. Keeps nothing itself: works on the session's Exchange. Thread rule: the session's
// worker.
#pragma once

#include <string_view>

#include "protocol/framer.hpp"
#include "protocol/frontend.hpp"
#include "proxy/exchange/exchange.hpp"
#include "proxy/exchange/request_outcome.hpp"

namespace pgweir {

class ExtendedPath final {
 public:
  explicit ExtendedPath(Exchange& exchange) : x_(exchange) {}

  RequestDisposition take_parse(const Piece& piece);
  RequestDisposition take_bind(const Piece& piece);
  RequestDisposition take_describe(const Piece& piece);
  RequestDisposition take_close(const Piece& piece);
  RequestDisposition take_execute(const Piece& piece);

 private:
  RequestDisposition run_noted(const Piece& piece, const ExecuteView& execute, Expected&& expected);
  // A Parse under a name. `sent` is what goes to the server for the client's `statement`.
  struct NamedParse {
    std::string_view name;
    StatementRef statement{};
    StatementRef sent{};
    bool is_certain = false;  // it is known under which settings it is parsed
    PresumedStatement presumed{};
  };

  RequestDisposition take_named_parse(std::string_view name, std::string_view text, ByteView types);
  NamedParse begin_parse(std::string_view name, std::string_view text, ByteView types) const;
  NamedParse begin_own_parse(const NamedParse& parse) const;
  bool is_unchanged_there(const NamedParse& parse) const;
  void answer_parse(const NamedParse& parse);
  void send_parse(const NamedParse& parse);
  RequestDisposition take_naming_parse(const Piece& piece, const ParseView& parse);
  Progress provide_own_names(const StatementRef& statement, ByteView values);
  RequestDisposition send_bind(const Piece& piece, const BindView& bind, std::string_view server_name,
                               Expected&& expected);
  RequestDisposition refuse_bind(const Piece& piece, const BindView& bind, const StatementRef& statement);
  void note_undescribed(const BindView& bind, bool described);
  StatementRef note_described(const TargetView& target);
  bool may_ask_shape(const StatementRef& told) const;
  RequestDisposition close_own(const Piece& piece, std::string_view name, const StatementRef& statement);
  void probe_name(std::string_view name, std::string_view text, ByteView types);
  RequestDisposition repeat_parse(const ParseView& parse);

  Exchange& x_;
};

}  // namespace pgweir
