// A client's login, sans-I/O: from its first byte to the moment when it is known who it is, which database it
// wants and which settings it brought. Nothing of what it sent is acted upon before its password has proved
// right.
//
//   client                            pgweir
//   SSLRequest, GSSENCRequest     ->  S and TLS, or N
//   StartupMessage                ->  [NegotiateProtocolVersion] AuthenticationSASL
//   SASLInitialResponse           ->  AuthenticationSASLContinue
//   SASLResponse                  ->  AuthenticationSASLFinal
//
// A user that proves a role of AWS instead: R(cleartext, through TLS only)   p
// One that is not in the file, whose password the server judges: the same, with the password itself.
// One that has shown a certificate in the handshake is asked for nothing.
//
// An unknown user takes the same steps as a wrong password, and ends with the same sentence. Thread rule: one
// owner.
#pragma once

#include <optional>
#include <string>

#include "protocol/authentication.hpp"
#include "protocol/scram.hpp"
#include "protocol/startup.hpp"
#include "proxy/base/reason.hpp"
#include "proxy/login/snapshot.hpp"
#include "proxy/state/settings_map.hpp"

namespace pgweir {

class ClientLogin {
 public:
  enum class Step : std::uint8_t {
    need_bytes,
    send,
    start_tls,
    check_secret,
    check_token,
    prove_password,
    cancel,
    authenticated,
    refused
  };

  // `from`: where the client is, for the rules of `access`.
  explicit ClientLogin(SnapshotRef snapshot, std::optional<config::IpAddress> from = std::nullopt)
      : snapshot_(std::move(snapshot)), from_(from) {}

  // Takes what it can off `input` and says what to do: send what was appended to `reply` and call again; act
  // on cancel_request(); or stop. need_bytes leaves an incomplete packet in `input`.
  // start_tls: send, shake hands with what is left in `input`, call tls_started() and go on.
  // prove_password: let the server judge password() and call password_judged().
  // check_secret: the password is not one of those that are known of a secret that is kept elsewhere: read
  // that again and call secret_checked(). check_token: verify token() and call token_checked().
  Step feed(ByteView& input, ByteBuffer& reply);
  const TlsServerRef& tls() const { return snapshot_->tls.listen; }
  // The client begins with TLS, without an SSLRequest: it must then ask for the protocol by ALPN. Until tls_started().
  bool is_direct() const { return encryption_ == Encryption::direct; }
  // `certificate`: the common name of the client's, verified; empty: it has shown none.
  void tls_started(std::string certificate = {}) {
    encryption_ = Encryption::on;
    certificate_ = std::move(certificate);
  }
  // To be called with the current snapshot.
  Step secret_checked(SnapshotRef snapshot, ByteBuffer& reply);
  const config::Secret& token() const { return told_; }
  const config::Secret& password() const { return told_; }
  Step password_judged(bool right);
  Step token_checked(bool proves_role);
  // After `authenticated`: the server would refuse this role, so the client is refused, too.
  Step role_refused();
  // Whether the server has judged the password, because the user is not in the file.
  bool judged_by_server() const { return phase_ == Phase::password; }
  // Whether a password has been proved.
  bool by_password() const { return phase_ != Phase::startup && phase_ != Phase::token; }

  const StartupMessage& startup() const { return startup_; }
  const CancelRequest& cancel_request() const { return cancel_; }
  // After `authenticated`: its startup parameters and `options`, as settings. Names folded.
  const SettingMap& settings() const { return settings_; }

  // After `authenticated` by SCRAM: the keys that the client's proof has revealed. Null: by other means.
  const ScramServer* scram() const { return scram_ ? &*scram_ : nullptr; }

  Reason reason() const { return reason_; }
  const std::string& message() const { return message_; }  // for the client
  std::string_view sqlstate() const { return sqlstate_; }  // empty: the reason's own

 private:
  enum class Phase : std::uint8_t { startup, sasl_initial, sasl_final, md5, token, password };
  enum class Encryption : std::uint8_t {
    none,
    asked,   // by SSLRequest, whatever the answer was
    direct,  // a handshake begins, without being asked for
    on,
  };

  Step take_startup(ByteView& input, ByteBuffer& reply);
  Step answer_ssl_request(ByteView input, ByteBuffer& reply);
  Step begin_authentication(ByteBuffer& reply);
  Step take_password(ByteView& input, ByteBuffer& reply);
  Step take_sasl_initial(ByteView body, ByteBuffer& reply);
  Step take_sasl_final(ByteView body, ByteBuffer& reply);
  Step take_md5(ByteView body);
  Errc check_md5(const Credential& credential) const;
  Step begin_token(ByteBuffer& reply);
  Step begin_password(ByteBuffer& reply);
  Step check_certificate(const config::User& user);
  Step take_told(ByteView body, Step next);
  Step wrong_password();
  Step finish();
  Step refuse(Reason reason, std::string message);
  Step refuse_password();

  bool is_encrypted() const { return encryption_ == Encryption::on; }
  // What a client's SCRAM may be bound to; empty: nothing.
  ByteView end_point() const { return is_encrypted() ? ByteView(tls()->end_point) : ByteView(); }

  SnapshotRef snapshot_;
  std::optional<config::IpAddress> from_;
  Phase phase_ = Phase::startup;
  Encryption encryption_ = Encryption::none;
  bool gss_asked_ = false;
  std::string certificate_;
  StartupMessage startup_;  // its user is the one under `users`
  std::string given_user_;  // as the client has called itself
  CancelRequest cancel_;
  SettingMap settings_;
  std::optional<ScramServer> scram_;
  Md5Salt salt_{};
  std::string md5_response_;
  config::Secret told_;  // token or password
  // What the password is compared with is kept elsewhere, and has not been read again yet.
  bool may_be_outdated_ = false;
  Reason reason_ = Reason::bad_startup;
  std::string message_;
  std::string_view sqlstate_;
};

}  // namespace pgweir
