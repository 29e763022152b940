#include <utility>

#include "protocol/base64.hpp"
#include "protocol/scram.hpp"
#include "protocol/scram_crypto.hpp"

namespace pgweir {

using namespace scram_detail;

namespace {

constexpr std::size_t gs2_header_size = 3;  // "n,," or "y,,"

// RFC 5802, section 7, gs2-header. We never offer -PLUS: "y" (the client could bind, but saw no offer) is
// honest, and "p" binds to a channel that does not exist.
Errc check_gs2_header(std::string_view message) {
  if (message.size() < gs2_header_size) return Errc::bad_scram;
  if (message[0] != 'n' && message[0] != 'y') return Errc::bad_scram;
  if (message[1] != ',') return Errc::bad_scram;
  if (message[2] == 'a') return Errc::unsupported;  // authorization identity
  return message[2] == ',' ? Errc::ok : Errc::bad_scram;
}

}  // namespace

ScramServer::ScramServer(ScramVerifier verifier, std::string_view nonce)
    : verifier_(std::move(verifier)), own_nonce_(nonce) {}

Errc ScramServer::client_first(ByteView message, ByteBuffer& reply) {
  if (state_ != State::expects_first) return fail(Errc::bad_scram);
  if (const Errc e = read_client_first(as_text(message)); e != Errc::ok) return fail(e);
  if (const Errc e = make_nonce(own_nonce_); e != Errc::ok) return fail(e);
  nonce_ += own_nonce_;

  std::string text = "r=" + nonce_ + ",s=";
  append_base64(verifier_.salt, text);
  text += ",i=" + std::to_string(verifier_.iterations);
  auth_message_ += "," + text;
  Writer(reply).text(text);
  state_ = State::expects_final;
  return Errc::ok;
}

Errc ScramServer::client_final(ByteView message, ByteBuffer& reply) {
  if (state_ != State::expects_final) return fail(Errc::bad_scram);
  if (const Errc e = read_client_final(as_text(message)); e != Errc::ok) return fail(e);

  // Both signatures are computed before the proof is judged: a wrong one costs what a right one costs.
  ScramKey client_signature, server_signature, stored_key;
  if (const Errc e = hmac_sha256(verifier_.stored_key, auth_message_, client_signature); e != Errc::ok)
    return fail(e);
  if (const Errc e = hmac_sha256(verifier_.server_key, auth_message_, server_signature); e != Errc::ok)
    return fail(e);
  const ScramKey client_key = exclusive_or(proof_, client_signature);
  if (const Errc e = sha256(client_key, stored_key); e != Errc::ok) return fail(e);
  if (!equal_in_constant_time(stored_key, verifier_.stored_key)) return fail(Errc::authentication_failed);

  keys_ = {client_key, verifier_.server_key};
  Writer(reply).text("v=").text(to_base64(server_signature.bytes));
  state_ = State::done;
  return Errc::ok;
}

Errc ScramServer::read_client_first(std::string_view message) {
  if (message.size() > scram_client_message_max) return Errc::bad_scram;
  if (const Errc e = check_gs2_header(message); e != Errc::ok) return e;
  const std::string_view bare = message.substr(gs2_header_size);
  if (bare.starts_with("m=")) return Errc::unsupported;  // reserved for mandatory extensions

  Attributes attributes(bare);
  std::string_view user, client_nonce;
  if (const Errc e = attributes.take('n', user); e != Errc::ok) return e;
  if (const Errc e = attributes.take('r', client_nonce); e != Errc::ok) return e;
  if (!is_nonce(client_nonce)) return Errc::bad_scram;
  if (const Errc e = attributes.skip_extensions(); e != Errc::ok) return e;

  channel_binding_ = to_base64(as_bytes(message.substr(0, gs2_header_size)));
  nonce_ = client_nonce;
  auth_message_ = bare;
  return Errc::ok;
}

Errc ScramServer::read_client_final(std::string_view message) {
  if (message.size() > scram_client_message_max) return Errc::bad_scram;
  Attributes attributes(message);
  std::string_view binding, nonce;
  if (const Errc e = attributes.take('c', binding); e != Errc::ok) return e;
  if (binding != channel_binding_) return Errc::bad_scram;
  if (const Errc e = attributes.take('r', nonce); e != Errc::ok) return e;
  if (nonce != nonce_) return Errc::bad_scram;

  // Extensions may stand between the nonce and the proof; the proof is last and is not part of what is
  // signed.
  char name = 0;
  std::string_view value;
  std::size_t signed_size = 0;
  while (name != 'p') {
    signed_size = message.size() - attributes.rest().size() - 1;  // without the comma
    if (const Errc e = attributes.take_any(name, value); e != Errc::ok) return e;
    if (name == 'm') return Errc::unsupported;
  }
  if (!attributes.done() || !read_key(value, proof_)) return Errc::bad_scram;
  auth_message_ += ",";
  auth_message_ += message.substr(0, signed_size);
  return Errc::ok;
}

Errc ScramServer::fail(Errc e) {
  state_ = State::failed;
  return e;
}

}  // namespace pgweir
