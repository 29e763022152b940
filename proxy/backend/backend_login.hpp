// Logs in to a server as its client: the exchange from the startup packet to the first ReadyForQuery,
// sans-I/O.
//
//   StartupMessage ->  <- R(SASL)  SASLInitialResponse ->  <- R(Continue)  SASLResponse ->  <- R(Final) R(Ok)
//                      <- S... K Z
//
// SCRAM-SHA-256 and md5 are answered. A request for the clear-text password is refused, unless the server has
// proved who it is by TLS and the configuration says so, or the password is a token of IAM; and such a token
// is told in no other way. With SCRAM the server must prove that it knows the password too. Thread rule: one
// owner.
#pragma once

#include <optional>
#include <string>

#include "protocol/authentication.hpp"
#include "protocol/framer.hpp"
#include "protocol/scram.hpp"
#include "proxy/base/backend_reason.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

struct ServerRefusal {
  std::string sqlstate;  // empty: the words are pgweir's, not the server's
  std::string message;
  // Trying again soon cannot help: wrong password, no such database, ...
  bool permanent = false;
  BackendLoginResult result = BackendLoginResult::refused;
  // No login was tried: a reload has taken the user or the database away.
  bool retired = false;
};

class BackendLogin {
 public:
  enum class Step : std::uint8_t { need_bytes, send, need_keys, ready, refused };

  // Both must outlive this object.
  BackendLogin(std::string_view user, std::string_view password) : user_(user), password_(password) {}

  // Binds SCRAM to the TLS connection, if the server supports that.
  void bind_to(ByteBuffer end_point) { end_point_ = std::move(end_point); }

  // Whether the server may be told the password itself. `only`: it is a token, of which a hash is of no use.
  enum class Cleartext : std::uint8_t { no, yes, only };
  void permit(Cleartext cleartext) { cleartext_ = cleartext; }

  // Refusals: the server asks for something else than the token that pgweir has; or it asks for the password
  // itself, which it may not be told.
  static constexpr std::string_view wants_no_token =
      "the server asks for a password where it should ask for IAM's token; was rds_iam granted to this user?";
  static constexpr std::string_view wants_cleartext =
      "the server asks for the password in clear text, which needs verified TLS and "
      "tls.allow_cleartext_password";

  // Takes what it can off `input` and says what to do: send what was appended to `reply`; find the SCRAM keys
  // for salt() and iterations() and call use_keys(); or stop. After `send` call again with the same input.
  Step feed(ByteView& input, ByteBuffer& reply);
  Step use_keys(const ScramKeys& keys, ByteBuffer& reply);

  ByteView salt() const { return scram_->salt(); }
  std::uint32_t iterations() const { return scram_->iterations(); }

  const ServerRefusal& refusal() const { return refusal_; }
  // Valid after `ready`: the server has looked at the password, and did not accept the login for its user or
  // its address alone.
  bool proved_password() const { return scram_.has_value() || md5_answered_ || password_told_; }
  std::uint32_t pid() const { return pid_; }
  const ByteBuffer& cancel_secret() const { return cancel_secret_; }
  SettingMap take_parameters() { return std::move(parameters_); }

 private:
  Step take(const Piece& piece, ByteBuffer& reply);
  Step authenticate(ByteView body, ByteBuffer& reply);
  Step answer_md5(const Md5Salt& salt, ByteBuffer& reply);
  Step answer_cleartext(ByteBuffer& reply);
  Step start_scram(const AuthenticationRequest& request, ByteBuffer& reply);
  Step refuse(std::string message);
  Step refuse_with(ByteView error_body);

  ByteBuffer end_point_;
  std::string_view user_;
  std::string_view password_;
  Framer framer_{backend_rule};
  std::optional<ScramClient> scram_;
  bool authenticated_ = false;
  bool md5_answered_ = false;
  bool password_told_ = false;
  Cleartext cleartext_ = Cleartext::no;
  std::uint32_t pid_ = 0;
  ByteBuffer cancel_secret_;
  SettingMap parameters_;
  ServerRefusal refusal_;
};

}  // namespace pgweir
