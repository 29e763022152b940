#include "bench/authentication.hpp"

#include "protocol/md5_password.hpp"

namespace pgweir::bench {

Errc Credentials::scram_keys(ByteView salt, std::uint32_t iterations, const ScramKeys*& out) {
  std::pair key{ByteBuffer(salt.begin(), salt.end()), iterations};
  auto found = keys_.find(key);
  if (found == keys_.end()) {
    ScramKeys keys;
    if (Errc e = derive_scram_keys(password_, salt, iterations, keys); e != Errc::ok) return e;
    if (keys_.size() >= keys_max) keys_.clear();
    found = keys_.emplace(std::move(key), keys).first;
  }
  out = &found->second;
  return Errc::ok;
}

Authentication::Step Authentication::on_request(ByteView body, ByteBuffer& reply) {
  AuthenticationRequest request;
  if (Errc e = parse_authentication(body, request); e != Errc::ok)
    return fail("authentication request: " + std::string(to_string(e)));
  switch (request.kind) {
    case AuthenticationKind::ok:
      // A server that skips its own proof in the middle of SCRAM may not be the one that knows the password.
      if (scram_ && !scram_->finished()) return fail("the server ended SCRAM without proving itself");
      return Step::done;
    case AuthenticationKind::md5_password:
      return answer_md5(request.salt, reply);
    case AuthenticationKind::sasl:
      if (!request.offers(scram_sha_256)) return fail("the server offers no SASL mechanism that we know");
      return start_scram(reply);
    case AuthenticationKind::sasl_continue:
      return continue_scram(request.data, reply);
    case AuthenticationKind::sasl_final:
      if (!scram_ || scram_->server_final(request.data) != Errc::ok)
        return fail("wrong SCRAM server signature");
      return Step::wait;
    case AuthenticationKind::cleartext_password:
      return fail("the server asks for the password in clear text, which is refused");
    default:
      return fail("the server asks for an authentication method other than SCRAM-SHA-256 and md5");
  }
}

Authentication::Step Authentication::start_scram(ByteBuffer& reply) {
  ByteBuffer first;
  scram_.emplace();
  if (Errc e = scram_->client_first(first); e != Errc::ok) return fail(std::string(to_string(e)));
  write_sasl_initial_response(reply, scram_sha_256, first);
  return Step::answer;
}

Authentication::Step Authentication::continue_scram(ByteView data, ByteBuffer& reply) {
  if (!scram_) return fail("a SCRAM message that nobody asked for");
  const ScramKeys* keys = nullptr;
  ByteBuffer final_message;
  Errc e = scram_->server_first(data);
  if (e == Errc::ok) e = credentials_.scram_keys(scram_->salt(), scram_->iterations(), keys);
  if (e == Errc::ok) e = scram_->client_final(*keys, final_message);
  if (e != Errc::ok) return fail("SCRAM: " + std::string(to_string(e)));
  write_sasl_response(reply, final_message);
  return Step::answer;
}

Authentication::Step Authentication::answer_md5(const Md5Salt& salt, ByteBuffer& reply) {
  std::string hash;
  std::string response;
  Errc e = md5_hash(credentials_.password(), credentials_.user(), hash);
  if (e == Errc::ok) e = md5_response(hash, salt, response);
  if (e != Errc::ok) return fail("md5: " + std::string(to_string(e)));
  write_password_message(reply, response);
  return Step::answer;
}

Authentication::Step Authentication::fail(std::string problem) {
  problem_ = std::move(problem);
  return Step::failed;
}

}  // namespace pgweir::bench
