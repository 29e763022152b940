// Two client messages, separated by the first newline, and the verifier parser. Oracle: nobody who does not
// know the password gets in, and an exchange that was refused stays refused.
#include <cstdlib>
#include <string_view>

#include "protocol/authentication.hpp"
#include "protocol/scram.hpp"

using namespace pgweir;

namespace {

const ScramVerifier& verifier() {
  static const ScramVerifier made = [] {
    ScramVerifier v;
    if (fake_scram_verifier(ByteBuffer(32, 7), "user", 4096, v) != Errc::ok) std::abort();
    return v;
  }();
  return made;
}

void run_exchange(std::string_view first, std::string_view final, const ScramBinding& binding) {
  ScramServer server(verifier(), "servernonce", binding);
  ByteBuffer reply;
  const Errc begun = server.client_first(as_bytes(first), reply);
  if (reply.empty() == (begun == Errc::ok)) std::abort();
  reply.clear();
  if (server.client_final(as_bytes(final), reply) == Errc::ok) std::abort();
  if (!reply.empty() || server.client_first(as_bytes(first), reply) == Errc::ok) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const std::string_view text = as_text(input);
  const std::size_t newline = text.find('\n');
  const std::string_view rest = newline == std::string_view::npos ? "" : text.substr(newline + 1);
  const ByteBuffer certificate(32, 3);
  for (const ScramBinding& binding :
       {ScramBinding{}, ScramBinding{certificate, false}, ScramBinding{certificate, true}})
    run_exchange(text.substr(0, newline), rest, binding);

  ScramVerifier parsed;
  if (parse_scram_verifier(text, parsed) == Errc::ok && to_string(parsed) != text) std::abort();
  SaslInitialResponse initial;
  if (parse_sasl_initial_response(input, initial) == Errc::ok && initial.data.size() > size) std::abort();
  return 0;
}
