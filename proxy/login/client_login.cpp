#include "proxy/login/client_login.hpp"

#include <openssl/rand.h>

#include <utility>
#include <variant>

#include "config/pass_through.hpp"
#include "protocol/md5_password.hpp"
#include "protocol/message.hpp"
#include "protocol/sql_tokenizer.hpp"
#include "protocol/sqlstate.hpp"
#include "protocol/startup_options.hpp"
#include "proxy/login/access.hpp"

namespace pgweir {
namespace {

// The answers to a request for encryption.
constexpr Byte not_supported = 'N';
constexpr Byte go_ahead = 'S';
constexpr Byte tls_handshake_record = 0x16;  // RFC 8446, section 5.1

}  // namespace

ClientLogin::Step ClientLogin::refuse(Reason reason, std::string message) {
  reason_ = reason;
  message_ = std::move(message);
  return Step::refused;
}

ClientLogin::Step ClientLogin::refuse_password() {
  return refuse(Reason::authentication_failed,
                "password authentication failed for user \"" + given_user_ + "\"");
}

ClientLogin::Step ClientLogin::feed(ByteView& input, ByteBuffer& reply) {
  return phase_ == Phase::startup ? take_startup(input, reply) : take_password(input, reply);
}

ClientLogin::Step ClientLogin::take_startup(ByteView& input, ByteBuffer& reply) {
  const bool may_begin_tls = tls() != nullptr && encryption_ == Encryption::none && !gss_asked_;
  if (may_begin_tls && !input.empty() && input[0] == tls_handshake_record) {
    encryption_ = Encryption::direct;
    return Step::start_tls;
  }
  std::size_t size = 0;
  if (startup_packet_size(input, size) != Errc::ok)
    return refuse(Reason::bad_startup, "invalid length of startup packet");
  if (size == 0 || input.size() < size) return Step::need_bytes;
  StartupPacket packet;
  const Errc error =
      parse_startup_packet(input.subspan(message_length_size, size - message_length_size), packet);
  input = input.subspan(size);
  if (error == Errc::unsupported_protocol) {
    return refuse(Reason::not_supported, "unsupported frontend protocol: pgweir speaks 3.0 to 3.2");
  }
  // PostgreSQL answers a malformed CancelRequest by nothing at all.
  if (error != Errc::ok && std::holds_alternative<CancelRequest>(packet))
    return refuse(Reason::cancel_request, "");
  if (error == Errc::no_user) {
    sqlstate_ = sqlstate::invalid_authorization_specification;
    return refuse(Reason::bad_startup, "no PostgreSQL user name specified in startup packet");
  }
  if (error != Errc::ok)
    return refuse(Reason::bad_startup, "invalid startup packet: " + std::string(to_string(error)));

  if (std::holds_alternative<SslRequest>(packet)) return answer_ssl_request(input, reply);
  if (std::holds_alternative<GssEncRequest>(packet)) {
    if (std::exchange(gss_asked_, true) || is_encrypted())
      return refuse(Reason::bad_startup, "encryption was asked for twice");
    reply.push_back(not_supported);
    return Step::send;
  }
  if (auto* cancel = std::get_if<CancelRequest>(&packet)) {
    cancel_ = std::move(*cancel);
    return Step::cancel;
  }
  startup_ = std::get<StartupMessage>(std::move(packet));
  given_user_ = startup_.user;
  startup_.user = snapshot_->user_of(given_user_);
  const bool must_be_encrypted = snapshot_->settings->listen.tls.mode == config::TlsMode::require;
  if (must_be_encrypted && !is_encrypted()) return refuse(Reason::tls_required, "");
  if (!may_enter(*snapshot_->settings, {from_, startup_.database, startup_.user, is_encrypted()})) {
    return refuse(Reason::no_access_rule,
                  "no access rule admits user \"" + startup_.user + "\" to database \"" + startup_.database +
                      "\" from this address" + (is_encrypted() ? "" : ", no encryption"));
  }
  if (needs_negotiation(startup_)) {
    write_negotiate_protocol_version(reply, negotiated_minor(startup_), startup_.protocol_options);
  }
  return begin_authentication(reply);
}

ClientLogin::Step ClientLogin::answer_ssl_request(ByteView input, ByteBuffer& reply) {
  if (encryption_ != Encryption::none) return refuse(Reason::bad_startup, "encryption was asked for twice");
  encryption_ = Encryption::asked;
  if (tls() == nullptr) {
    reply.push_back(not_supported);
    return Step::send;
  }
  // An attacker between the client and pgweir could put it there, to be taken for the client's own after the
  // handshake (CVE-2021-23214).
  if (!input.empty()) {
    return refuse(Reason::protocol_violation, "received unencrypted data after SSL request");
  }
  reply.push_back(go_ahead);
  return Step::start_tls;
}

ClientLogin::Step ClientLogin::begin_authentication(ByteBuffer& reply) {
  const config::Settings& settings = *snapshot_->settings;
  const config::User* const user = settings.find_user(startup_.user);
  if (user != nullptr && !user->iam_roles.empty()) return begin_token(reply);
  if (user != nullptr && !user->certificate.empty()) return check_certificate(*user);
  if (config::pass_through_of(settings, startup_.database, startup_.user) != nullptr)
    return begin_password(reply);
  switch (settings.listen.auth) {
    case config::AuthMethod::trust:
      return user != nullptr ? finish() : refuse_password();
    case config::AuthMethod::md5:
      if (RAND_bytes(salt_.data(), static_cast<int>(salt_.size())) != 1)
        return refuse(Reason::internal_error, "");
      phase_ = Phase::md5;
      write_authentication_md5(reply, salt_);
      return Step::send;
    case config::AuthMethod::scram_sha_256:
      break;
  }
  phase_ = Phase::sasl_initial;
  const std::string_view mechanisms[] = {scram_sha_256_plus, scram_sha_256};
  write_authentication_sasl(reply, std::span(mechanisms).subspan(end_point().empty() ? 1 : 0));
  return Step::send;
}

ClientLogin::Step ClientLogin::take_password(ByteView& input, ByteBuffer& reply) {
  if (input.empty()) return Step::need_bytes;
  if (static_cast<char>(input[0]) != static_cast<char>(FrontendType::PasswordMessage)) {
    return refuse(Reason::protocol_violation, "expected password response, got another message");
  }
  if (input.size() < message_header_size) return Step::need_bytes;
  const std::uint32_t length = load_u32(input.data() + 1);
  if (length < message_length_size || length > authentication_message_max) {
    return refuse(Reason::protocol_violation, "invalid length of password response");
  }
  const std::size_t size = std::size_t{1} + length;
  if (input.size() < size) return Step::need_bytes;
  const ByteView body = input.subspan(message_header_size, size - message_header_size);
  input = input.subspan(size);
  switch (phase_) {
    case Phase::sasl_initial:
      return take_sasl_initial(body, reply);
    case Phase::sasl_final:
      return take_sasl_final(body, reply);
    case Phase::md5:
      return take_md5(body);
    case Phase::token:
      return take_told(body, Step::check_token);
    case Phase::password:
      return take_told(body, Step::prove_password);
    case Phase::startup:
      break;
  }
  return refuse(Reason::internal_error, "");
}

ClientLogin::Step ClientLogin::take_sasl_initial(ByteView body, ByteBuffer& reply) {
  SaslInitialResponse response;
  if (parse_sasl_initial_response(body, response) != Errc::ok) {
    return refuse(Reason::protocol_violation, "malformed SASLInitialResponse message");
  }
  const bool binds = !end_point().empty() && response.mechanism == scram_sha_256_plus;
  if (!binds && response.mechanism != scram_sha_256) {
    return refuse(Reason::protocol_violation, "client selected an invalid SASL authentication mechanism");
  }
  Credential credential = snapshot_->credential(given_user_);
  may_be_outdated_ = credential.is_remote;
  scram_.emplace(std::move(credential.scram), std::string_view(), ScramBinding{end_point(), binds});
  scram_->also_accept(std::move(credential.other_scram));
  if (!response.has_data) {
    // An empty challenge asks for the message that the mechanism begins with; no driver does this.
    return refuse(Reason::protocol_violation, "malformed SCRAM message");
  }
  ByteBuffer challenge;
  const Errc error = scram_->client_first(response.data, challenge);
  if (error == Errc::unsupported)
    return refuse(Reason::not_supported, "client requires an unsupported SCRAM extension");
  if (error == Errc::downgraded) {
    sqlstate_ = sqlstate::invalid_authorization_specification;
    return refuse(
        Reason::protocol_violation,
        "SCRAM channel binding negotiation error: the client can bind, but was told that the server cannot");
  }
  if (error != Errc::ok) return refuse(Reason::protocol_violation, "malformed SCRAM message");
  write_authentication_sasl_continue(reply, challenge);
  phase_ = Phase::sasl_final;
  return Step::send;
}

ClientLogin::Step ClientLogin::take_sasl_final(ByteView body, ByteBuffer& reply) {
  ByteBuffer signature;
  const Errc error = scram_->client_final(body, signature);
  if (error == Errc::authentication_failed) return wrong_password();
  if (error == Errc::wrong_channel) {
    sqlstate_ = sqlstate::invalid_authorization_specification;
    return refuse(Reason::protocol_violation, "SCRAM channel binding check failed");
  }
  if (error != Errc::ok) return refuse(Reason::protocol_violation, "malformed SCRAM message");
  write_authentication_sasl_final(reply, signature);
  return finish();
}

ClientLogin::Step ClientLogin::take_md5(ByteView body) {
  std::string_view response;
  if (parse_password_message(body, response) != Errc::ok) {
    return refuse(Reason::protocol_violation, "malformed password message");
  }
  md5_response_ = response;
  const Credential credential = snapshot_->credential(given_user_);
  may_be_outdated_ = credential.is_remote;
  return check_md5(credential) == Errc::ok ? finish() : wrong_password();
}

// Every hash is compared, even after one has fitted, so that the time tells nothing.
Errc ClientLogin::check_md5(const Credential& credential) const {
  Errc result = check_md5_response(md5_response_, credential.md5, salt_);
  for (const std::string& other : credential.other_md5) {
    const Errc each = check_md5_response(md5_response_, other, salt_);
    if (result != Errc::ok) result = each;
  }
  return result;
}

// A secret that is kept elsewhere may have changed a moment ago.
ClientLogin::Step ClientLogin::wrong_password() {
  return may_be_outdated_ ? Step::check_secret : refuse_password();
}

ClientLogin::Step ClientLogin::secret_checked(SnapshotRef snapshot, ByteBuffer& reply) {
  may_be_outdated_ = false;
  snapshot_ = std::move(snapshot);
  Credential credential = snapshot_->credential(given_user_);
  if (phase_ == Phase::md5) return check_md5(credential) == Errc::ok ? finish() : refuse_password();
  ByteBuffer signature;
  const Errc error = scram_->try_again(credential.scram, std::move(credential.other_scram), signature);
  if (error != Errc::ok) return refuse_password();
  write_authentication_sasl_final(reply, signature);
  return finish();
}

// The token is as good as a password for some minutes.
ClientLogin::Step ClientLogin::begin_token(ByteBuffer& reply) {
  if (!is_encrypted()) {
    return refuse(Reason::tls_required, "IAM authentication is allowed only with SSL connections");
  }
  phase_ = Phase::token;
  write_authentication_cleartext(reply);
  return Step::send;
}

ClientLogin::Step ClientLogin::begin_password(ByteBuffer& reply) {
  if (!is_encrypted()) {
    return refuse(Reason::tls_required, "the password of user \"" + given_user_ +
                                            "\" is taken through SSL connections only (sslmode=require)");
  }
  phase_ = Phase::password;
  write_authentication_cleartext(reply);
  return Step::send;
}

ClientLogin::Step ClientLogin::check_certificate(const config::User& user) {
  if (!is_encrypted()) return refuse(Reason::tls_required, "");
  if (certificate_ == user.certificate) return finish();
  sqlstate_ = sqlstate::invalid_authorization_specification;
  return refuse(Reason::authentication_failed,
                "certificate authentication failed for user \"" + given_user_ + "\"");
}

ClientLogin::Step ClientLogin::take_told(ByteView body, Step next) {
  std::string_view response;
  if (parse_password_message(body, response) != Errc::ok) {
    return refuse(Reason::protocol_violation, "malformed password message");
  }
  told_ = config::Secret(std::string(response));
  return next;
}

ClientLogin::Step ClientLogin::password_judged(bool right) {
  told_ = {};
  return right ? finish() : refuse_password();
}

ClientLogin::Step ClientLogin::token_checked(bool proves_role) {
  told_ = {};
  if (proves_role) return finish();
  sqlstate_ = sqlstate::invalid_authorization_specification;
  return refuse(Reason::authentication_failed, "IAM authentication failed for user \"" + given_user_ + "\"");
}

ClientLogin::Step ClientLogin::role_refused() {
  if (by_password()) return refuse_password();
  sqlstate_ = sqlstate::invalid_authorization_specification;
  return refuse(Reason::authentication_failed, "role \"" + given_user_ + "\" is not permitted to log in");
}

// PostgreSQL applies `options` first, so a parameter of the same name wins (postinit.c,
// process_startup_options).
ClientLogin::Step ClientLogin::finish() {
  if (startup_.replication)
    return refuse(Reason::not_supported, "replication connections are not supported by pgweir");
  std::vector<StartupParameter> options;
  if (parse_startup_options(startup_.options, options) != Errc::ok) {
    return refuse(Reason::bad_startup, "invalid command-line argument in startup parameter \"options\"");
  }
  for (const auto* list : {&options, &startup_.parameters}) {
    for (const StartupParameter& parameter : *list)
      settings_.insert_or_assign(ascii_lower(parameter.name), parameter.value);
  }
  return Step::authenticated;
}

}  // namespace pgweir
