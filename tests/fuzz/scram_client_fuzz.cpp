// Two server messages, separated by the first newline. Oracle: a server that does not know the password is
// never believed, and iterations stay within their cap.
#include <cstdlib>
#include <string_view>

#include "protocol/authentication.hpp"
#include "protocol/scram.hpp"

using namespace pgweir;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void run_exchange(std::string_view first, std::string_view final) {
  ScramClient client("clientnonce");
  ByteBuffer out;
  require(client.client_first(out) == Errc::ok);
  if (client.server_first(as_bytes(first)) != Errc::ok) return;
  require(client.iterations() >= 1 && client.iterations() <= scram_iterations_max);
  require(!client.salt().empty());
  ScramKeys keys;  // any keys will do: PBKDF2 is not the subject
  keys.server_key.bytes.fill(9);
  require(client.client_final(keys, out) == Errc::ok);
  require(client.server_final(as_bytes(final)) != Errc::ok && !client.finished());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const std::string_view text = as_text(input);
  const std::size_t newline = text.find('\n');
  run_exchange(text.substr(0, newline), newline == std::string_view::npos ? "" : text.substr(newline + 1));

  AuthenticationRequest request;
  if (parse_authentication(input, request) == Errc::ok) require(request.data.size() <= size);
  (void)request.offers(scram_sha_256);
  return 0;
}
