#include "proxy/backend/backend_login.hpp"

#include "protocol/backend.hpp"
#include "protocol/error_response.hpp"
#include "protocol/md5_password.hpp"
#include "protocol/sqlstate.hpp"
#include "protocol/startup.hpp"
#include "proxy/backend/reported_parameters.hpp"

namespace pgweir {
namespace {

// invalid_authorization (28), invalid_catalog_name, insufficient_privilege: they last until an operator
// changes something.
bool is_permanent(std::string_view sqlstate) {
  return sqlstate.starts_with(sqlstate::class_invalid_authorization) ||
         sqlstate == sqlstate::invalid_catalog_name || sqlstate == sqlstate::insufficient_privilege;
}

}  // namespace

BackendLogin::Step BackendLogin::refuse(std::string message) {
  refusal_ = {"", std::move(message), true};
  return Step::refused;
}

BackendLogin::Step BackendLogin::refuse_with(ByteView error_body) {
  ErrorView error;
  if (ErrorView::parse(error_body, error) != Errc::ok)
    return refuse("the server sent a malformed ErrorResponse");
  refusal_ = {std::string(error.code()), std::string(error.message()), is_permanent(error.code())};
  return Step::refused;
}

BackendLogin::Step BackendLogin::feed(ByteView& input, ByteBuffer& reply) {
  Piece piece;
  for (;;) {
    switch (framer_.next(input, piece)) {
      case FrameStatus::need_more:
        return Step::need_bytes;
      case FrameStatus::error:
        return refuse("the server does not speak the PostgreSQL protocol");
      case FrameStatus::piece:
        break;
    }
    const auto type = static_cast<BackendType>(piece.type);
    const bool expected = type == BackendType::ErrorResponse || type == BackendType::NoticeResponse;
    if (expected && !piece.whole()) return refuse("the server sent an oversized message while logging in");
    if (const Step step = take(piece, reply); step != Step::need_bytes) return step;
  }
}

// need_bytes: the next message can be read.
BackendLogin::Step BackendLogin::take(const Piece& piece, ByteBuffer& reply) {
  switch (static_cast<BackendType>(piece.type)) {
    case BackendType::Authentication:
      return authenticate(piece.body(), reply);
    case BackendType::ErrorResponse:
      return refuse_with(piece.body());
    case BackendType::NoticeResponse:
    case BackendType::NegotiateProtocolVersion:
      return Step::need_bytes;
    case BackendType::BackendKeyData: {
      CancelRequest key;
      if (parse_backend_key_data(piece.body(), key) != Errc::ok)
        return refuse("the server sent a malformed BackendKeyData");
      pid_ = key.pid;
      cancel_secret_ = std::move(key.secret);
      return Step::need_bytes;
    }
    case BackendType::ParameterStatus: {
      ParameterStatusView status;
      if (parse_parameter_status(piece.body(), status) != Errc::ok)
        return refuse("the server sent a malformed ParameterStatus");
      if (!may_report(parameters_, status.name)) return refuse("the server reported too many parameters");
      parameters_.insert_or_assign(std::string(status.name), std::string(status.value));
      return Step::need_bytes;
    }
    case BackendType::ReadyForQuery:
      if (!authenticated_) return refuse("the server was ready before it had authenticated us");
      // A transaction is open that this login has not begun: what answers here is not a fresh backend.
      if (piece.body()[0] != static_cast<Byte>(TransactionStatus::idle))
        return refuse("the server was not idle after the login");
      return Step::ready;
    default:
      return refuse("the server sent an unexpected message while logging in");
  }
}

BackendLogin::Step BackendLogin::authenticate(ByteView body, ByteBuffer& reply) {
  AuthenticationRequest request;
  if (parse_authentication(body, request) != Errc::ok)
    return refuse("the server sent a malformed Authentication");
  switch (request.kind) {
    case AuthenticationKind::ok:
      // An Ok in the middle of SCRAM would let a server in that does not know the password.
      if (authenticated_ || (scram_ && !scram_->finished()))
        return refuse("the server cut the authentication short");
      authenticated_ = true;
      return Step::need_bytes;
    case AuthenticationKind::md5_password:
      return answer_md5(request.salt, reply);
    case AuthenticationKind::sasl:
      return start_scram(request, reply);
    case AuthenticationKind::sasl_continue:
      if (!scram_ || scram_->server_first(request.data) != Errc::ok)
        return refuse("the server's SCRAM challenge is invalid");
      return Step::need_keys;
    case AuthenticationKind::sasl_final:
      if (!scram_ || scram_->server_final(request.data) != Errc::ok)
        return refuse("the server did not prove that it knows the password");
      return Step::need_bytes;
    case AuthenticationKind::cleartext_password:
      return answer_cleartext(reply);
    default:
      return refuse("the server asks for an authentication method that is not supported");
  }
}

BackendLogin::Step BackendLogin::answer_cleartext(ByteBuffer& reply) {
  if (scram_ || md5_answered_ || authenticated_ || password_told_)
    return refuse("the server changed its authentication method");
  if (cleartext_ == Cleartext::no) return refuse(std::string(wants_cleartext));
  if (password_.empty())
    return refuse("the server asks for a password, and none is configured for this user");
  password_told_ = true;
  write_password_message(reply, password_);
  return Step::send;
}

BackendLogin::Step BackendLogin::answer_md5(const Md5Salt& salt, ByteBuffer& reply) {
  if (scram_ || md5_answered_ || authenticated_ || password_told_)
    return refuse("the server changed its authentication method");
  if (cleartext_ == Cleartext::only) return refuse(std::string(wants_no_token));
  if (password_.empty())
    return refuse("the server asks for an md5 password, and none is configured for this user");
  md5_answered_ = true;
  std::string hash;
  std::string response;
  if (md5_hash(password_, user_, hash) != Errc::ok || md5_response(hash, salt, response) != Errc::ok) {
    return refuse("this machine's libcrypto offers no MD5");
  }
  write_password_message(reply, response);
  return Step::send;
}

BackendLogin::Step BackendLogin::start_scram(const AuthenticationRequest& request, ByteBuffer& reply) {
  if (scram_ || md5_answered_ || authenticated_ || password_told_)
    return refuse("the server changed its authentication method");
  if (cleartext_ == Cleartext::only) return refuse(std::string(wants_no_token));
  const bool binds = !end_point_.empty() && request.offers(scram_sha_256_plus);
  const std::string_view mechanism = binds ? scram_sha_256_plus : scram_sha_256;
  if (!request.offers(mechanism)) return refuse("the server offers no SASL mechanism that is supported");
  scram_.emplace(std::string_view(), ScramBinding{end_point_, binds});
  ByteBuffer first;
  if (scram_->client_first(first) != Errc::ok) return refuse("no random numbers for SCRAM");
  write_sasl_initial_response(reply, mechanism, first);
  return Step::send;
}

BackendLogin::Step BackendLogin::use_keys(const ScramKeys& keys, ByteBuffer& reply) {
  ByteBuffer final_message;
  if (scram_->client_final(keys, final_message) != Errc::ok) return refuse("SCRAM failed");
  write_sasl_response(reply, final_message);
  return Step::send;
}

}  // namespace pgweir
