#include "protocol/base64.hpp"
#include "protocol/scram.hpp"
#include "protocol/scram_crypto.hpp"

namespace pgweir {

using namespace scram_detail;

namespace {

// "y": this side could bind, but the server does not offer it. If the server did, it now knows that something
// on the way has changed its offer.
std::string gs2_header(const ScramBinding& binding) {
  if (binding.binds) return "p=" + std::string(tls_server_end_point) + ",,";
  return binding.end_point.empty() ? "n,," : "y,,";
}

}  // namespace

ScramClient::ScramClient(std::string_view nonce, const ScramBinding& binding)
    : gs2_header_(gs2_header(binding)),
      channel_binding_(channel_binding(gs2_header_, binding.binds ? binding.end_point : ByteView())),
      own_nonce_(nonce) {}

Errc ScramClient::client_first(ByteBuffer& out) {
  if (state_ != State::initial) return fail(Errc::bad_scram);
  if (const Errc e = make_nonce(own_nonce_); e != Errc::ok) return fail(e);
  // The name stays empty, as in libpq: the startup packet has named the user.
  auth_message_ = "n=,r=" + own_nonce_;
  Writer(out).text(gs2_header_).text(auth_message_);
  state_ = State::sent_first;
  return Errc::ok;
}

Errc ScramClient::server_first(ByteView message) {
  if (state_ != State::sent_first) return fail(Errc::bad_scram);
  if (const Errc e = read_server_first(as_text(message)); e != Errc::ok) return fail(e);
  state_ = State::has_challenge;
  return Errc::ok;
}

Errc ScramClient::client_final(const ScramKeys& keys, ByteBuffer& out) {
  if (state_ != State::has_challenge) return fail(Errc::bad_scram);
  const std::string without_proof = std::string("c=").append(channel_binding_).append(",r=").append(nonce_);
  auth_message_ += "," + without_proof;

  ScramKey stored_key, client_signature;
  if (const Errc e = sha256(keys.client_key, stored_key); e != Errc::ok) return fail(e);
  if (const Errc e = hmac_sha256(stored_key, auth_message_, client_signature); e != Errc::ok) return fail(e);
  if (const Errc e = hmac_sha256(keys.server_key, auth_message_, expected_signature_); e != Errc::ok)
    return fail(e);
  const ScramKey proof = exclusive_or(keys.client_key, client_signature);
  Writer(out).text(without_proof).text(",p=").text(to_base64(proof.bytes));
  state_ = State::sent_final;
  return Errc::ok;
}

Errc ScramClient::server_final(ByteView message) {
  if (state_ != State::sent_final) return fail(Errc::bad_scram);
  if (message.size() > scram_server_message_max) return fail(Errc::bad_scram);
  Attributes attributes(as_text(message));
  char name = 0;
  std::string_view value;
  ScramKey signature;
  if (const Errc e = attributes.take_any(name, value); e != Errc::ok) return fail(e);
  if (name == 'e') return fail(Errc::authentication_failed);
  if (name != 'v' || !read_key(value, signature)) return fail(Errc::bad_scram);
  if (const Errc e = attributes.skip_extensions(); e != Errc::ok) return fail(e);
  if (!equal_in_constant_time(signature, expected_signature_)) return fail(Errc::authentication_failed);
  state_ = State::done;
  return Errc::ok;
}

Errc ScramClient::read_server_first(std::string_view message) {
  if (message.size() > scram_server_message_max) return Errc::bad_scram;
  if (message.starts_with("m=")) return Errc::unsupported;
  Attributes attributes(message);
  std::string_view nonce, salt, iterations;
  if (const Errc e = attributes.take('r', nonce); e != Errc::ok) return e;
  // A nonce that only repeats the client's would let the server replay an old exchange.
  if (!is_nonce(nonce) || nonce.size() <= own_nonce_.size() || !nonce.starts_with(own_nonce_))
    return Errc::bad_scram;
  if (const Errc e = attributes.take('s', salt); e != Errc::ok) return e;
  if (!from_base64(salt, salt_) || salt_.empty()) return Errc::bad_scram;
  if (const Errc e = attributes.take('i', iterations); e != Errc::ok) return e;
  if (!read_iterations(iterations, scram_iterations_max, iterations_)) return Errc::bad_scram;
  if (const Errc e = attributes.skip_extensions(); e != Errc::ok) return e;

  nonce_ = nonce;
  auth_message_ += ",";
  auth_message_ += message;
  return Errc::ok;
}

Errc ScramClient::fail(Errc e) {
  state_ = State::failed;
  return e;
}

}  // namespace pgweir
