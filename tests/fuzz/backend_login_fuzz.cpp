// A portion size, then what a server sends; runs of '@' as long as our SCRAM nonce stand for it, so that a
// challenge can be answered. Oracle: a server that asked for SCRAM and does not know the password is never
// believed, no password travels in clear text, and portions change nothing.
#include <algorithm>
#include <cstdlib>

#include "proxy/backend/backend_login.hpp"

using namespace pgweir;

namespace {

using Step = BackendLogin::Step;

constexpr std::string_view password = "not to be guessed";
constexpr std::string_view client_first_head = "n,,n=,r=";

void require(bool holds) {
  if (!holds) std::abort();
}

// The nonce in our SASLInitialResponse; empty when that was not the answer.
std::string nonce_in(ByteView reply) {
  const std::string_view text = as_text(reply);
  const std::size_t at = text.find(client_first_head);
  return at == std::string_view::npos ? std::string()
                                      : std::string(text.substr(at + client_first_head.size()));
}

void put_nonce(ByteBuffer& bytes, const std::string& nonce) {
  const std::string hole(nonce.size(), '@');
  auto at = bytes.begin();
  while ((at = std::search(at, bytes.end(), hole.begin(), hole.end())) != bytes.end())
    at = std::copy(nonce.begin(), nonce.end(), at);
}

struct Result {
  Step step = Step::need_bytes;
  std::string sqlstate;
  std::string message;
  std::size_t sent = 0;

  bool operator==(const Result&) const = default;
};

Result run(ByteView input, std::size_t portion) {
  BackendLogin login("app", password);
  ByteBuffer bytes(input.begin(), input.end());
  ByteBuffer pending;
  ByteBuffer reply;
  Result result;
  bool scram = false;
  std::size_t at = 0;
  do {
    const std::size_t more = std::min(portion, bytes.size() - at);
    pending.insert(pending.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                   bytes.begin() + static_cast<std::ptrdiff_t>(at + more));
    at += more;
    do {
      ByteView rest = pending;
      result.step = login.feed(rest, reply);
      pending.assign(rest.begin(), rest.end());
      if (result.step == Step::need_keys) {
        require(scram && !login.salt().empty() && login.iterations() <= scram_iterations_max);
        result.step = login.use_keys(ScramKeys{}, reply);  // PBKDF2 is not the subject
      }
      const std::string nonce = scram ? std::string() : nonce_in(reply);
      if (!nonce.empty()) {
        scram = true;
        put_nonce(bytes, nonce);
        put_nonce(pending, nonce);
      }
    } while (result.step == Step::send);
  } while (result.step == Step::need_bytes && at < bytes.size());

  require(!scram || result.step != Step::ready);
  require(as_text(reply).find(password) == std::string_view::npos);
  require(result.step != Step::ready || login.cancel_secret().size() <= 256);
  if (result.step == Step::refused) {
    result.sqlstate = login.refusal().sqlstate;
    // Our words do not change; the server's may contain the nonce.
    if (result.sqlstate.empty() && !scram) result.message = login.refusal().message;
  }
  result.sent = reply.size();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const ByteView bytes = ByteView(data, size).subspan(1);
  const Result whole = run(bytes, std::max<std::size_t>(bytes.size(), 1));
  // A hole that straddles a portion is not filled, so portions are compared only without any.
  const bool has_hole = std::find(bytes.begin(), bytes.end(), Byte{'@'}) != bytes.end();
  const Result split = run(bytes, 1 + data[0] % 32);
  require(has_hole || split == whole);
  return 0;
}
