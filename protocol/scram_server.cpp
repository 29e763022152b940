#include <utility>

#include "protocol/base64.hpp"
#include "protocol/scram.hpp"
#include "protocol/scram_crypto.hpp"

namespace pgweir {

using namespace scram_detail;

ScramServer::ScramServer(ScramVerifier verifier, std::string_view nonce, const ScramBinding& binding)
    : verifier_(std::move(verifier)),
      end_point_(binding.end_point.begin(), binding.end_point.end()),
      binds_(binding.binds),
      own_nonce_(nonce) {}

// RFC 5802, section 7, gs2-header. "y" says that the client could bind but saw no offer, which is true where
// there was none.
Errc ScramServer::read_gs2_header(std::string_view message, std::size_t& size) const {
  const std::size_t comma = message.find(',');
  if (comma == std::string_view::npos) return Errc::bad_scram;
  const std::string_view flag = message.substr(0, comma);
  if (flag == "y" && !end_point_.empty()) return Errc::downgraded;
  const bool binds = flag.starts_with("p=");
  if (!binds && flag != "n" && flag != "y") return Errc::bad_scram;
  if (binds != binds_ || (binds && flag.substr(2) != tls_server_end_point)) return Errc::bad_scram;
  const std::string_view rest = message.substr(comma + 1);
  if (rest.starts_with('a')) return Errc::unsupported;  // authorization identity
  size = comma + 2;
  return rest.starts_with(',') ? Errc::ok : Errc::bad_scram;
}

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

  return judge_all(reply);
}

Errc ScramServer::try_again(ScramVerifier verifier, std::vector<ScramVerifier> others, ByteBuffer& reply) {
  if (state_ != State::wrong_proof) return fail(Errc::bad_scram);
  if (verifier.salt != verifier_.salt || verifier.iterations != verifier_.iterations)
    return fail(Errc::authentication_failed);
  verifier_ = std::move(verifier);
  others_ = std::move(others);
  return judge_all(reply);
}

// Both signatures are computed before the proof is judged: a wrong one costs what a right one costs.
Errc ScramServer::judge(const ScramVerifier& verifier, Judged& out) const {
  ScramKey client_signature, stored_key;
  if (const Errc e = hmac_sha256(verifier.stored_key, auth_message_, client_signature); e != Errc::ok)
    return e;
  if (const Errc e = hmac_sha256(verifier.server_key, auth_message_, out.signature); e != Errc::ok) return e;
  out.client_key = exclusive_or(proof_, client_signature);
  if (const Errc e = sha256(out.client_key, stored_key); e != Errc::ok) return e;
  out.fits = equal_in_constant_time(stored_key, verifier.stored_key);
  return Errc::ok;
}

Errc ScramServer::judge_all(ByteBuffer& reply) {
  Judged found;
  const ScramVerifier* by = nullptr;
  for (std::size_t i = 0; i <= others_.size(); ++i) {
    const ScramVerifier& each = i == 0 ? verifier_ : others_[i - 1];
    Judged judged;
    if (const Errc e = judge(each, judged); e != Errc::ok) return fail(e);
    if (!judged.fits || by != nullptr) continue;
    found = judged;
    by = &each;
  }
  if (by == nullptr) {
    state_ = State::wrong_proof;
    return Errc::authentication_failed;
  }
  keys_ = {found.client_key, by->server_key};
  Writer(reply).text("v=").text(to_base64(found.signature.bytes));
  state_ = State::done;
  return Errc::ok;
}

Errc ScramServer::read_client_first(std::string_view message) {
  if (message.size() > scram_client_message_max) return Errc::bad_scram;
  std::size_t header_size = 0;
  if (const Errc e = read_gs2_header(message, header_size); e != Errc::ok) return e;
  const std::string_view bare = message.substr(header_size);
  if (bare.starts_with("m=")) return Errc::unsupported;  // reserved for mandatory extensions

  Attributes attributes(bare);
  std::string_view user, client_nonce;
  if (const Errc e = attributes.take('n', user); e != Errc::ok) return e;
  if (const Errc e = attributes.take('r', client_nonce); e != Errc::ok) return e;
  if (!is_nonce(client_nonce)) return Errc::bad_scram;
  if (const Errc e = attributes.skip_extensions(); e != Errc::ok) return e;

  channel_binding_ =
      channel_binding(message.substr(0, header_size), binds_ ? ByteView(end_point_) : ByteView());
  nonce_ = client_nonce;
  auth_message_ = bare;
  return Errc::ok;
}

Errc ScramServer::read_client_final(std::string_view message) {
  if (message.size() > scram_client_message_max) return Errc::bad_scram;
  Attributes attributes(message);
  std::string_view binding, nonce;
  if (const Errc e = attributes.take('c', binding); e != Errc::ok) return e;
  if (binding != channel_binding_) return binds_ ? Errc::wrong_channel : Errc::bad_scram;
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
