// A method and a portion size, then what a client sends, as if every handshake of TLS were done at once.
// Oracle: nobody who does not know a password gets in, an incomplete packet is never a large one, and whether
// the bytes come at once or in portions changes nothing, but for what comes with a SSLRequest.
#include <algorithm>
#include <cstdlib>

#include "proxy/login/client_login.hpp"

using namespace pgweir;

namespace {

using Step = ClientLogin::Step;

void require(bool holds) {
  if (!holds) std::abort();
}

SnapshotRef snapshot_with(config::AuthMethod method, bool with_tls) {
  auto settings = std::make_shared<config::Settings>();
  settings->listen.auth = method;
  settings->users["a"] = {"a", config::Secret("not to be guessed")};
  settings->users["r"].name = "r";
  settings->users["s"].name = "s";
  settings->users["r"].iam_roles = {"arn:aws:iam::123456789012:role/worker"};
  settings->users["s"].secret = "kept elsewhere";
  settings->databases["d"].name = "d";
  settings->databases["d"].pass_through.users = {"g*"};
  TlsFiles tls;
  if (with_tls) {
    auto context = std::make_shared<TlsServerContext>();
    context->end_point.assign(32, 3);
    tls.listen = std::move(context);
    settings->listen.tls.mode = config::TlsMode::require;
  }
  return make_snapshot(settings, nullptr, std::move(tls));
}

constexpr unsigned tls_bit = 0x80;

const SnapshotRef& snapshot(unsigned choice) {
  using config::AuthMethod;
  static const SnapshotRef all[] = {snapshot_with(AuthMethod::scram_sha_256, false),
                                    snapshot_with(AuthMethod::md5, false),
                                    snapshot_with(AuthMethod::trust, false),
                                    snapshot_with(AuthMethod::scram_sha_256, true),
                                    snapshot_with(AuthMethod::md5, true),
                                    snapshot_with(AuthMethod::trust, true)};
  return all[choice % 3 + ((choice & tls_bit) != 0 ? 3 : 0)];
}

struct Result {
  Step step = Step::need_bytes;
  Reason reason{};
  std::string message;
  std::size_t sent = 0;
  SettingMap settings;

  bool operator==(const Result&) const = default;
};

Result run(ByteView bytes, unsigned method, std::size_t portion) {
  ClientLogin login(snapshot(method));
  ByteBuffer pending;
  ByteBuffer reply;
  Result result;
  do {
    const ByteView part = bytes.first(std::min(portion, bytes.size()));
    bytes = bytes.subspan(part.size());
    pending.insert(pending.end(), part.begin(), part.end());
    do {
      ByteView rest = pending;
      result.step = login.feed(rest, reply);
      pending.assign(rest.begin(), rest.end());
      // Neither AWS nor anybody else vouches for whoever it is.
      if (result.step == Step::check_token) result.step = login.token_checked(false);
      if (result.step == Step::prove_password) {
        require((method & tls_bit) != 0 && login.startup().user.starts_with('g'));
        result.step = login.password_judged(false);
      }
      if (result.step == Step::check_secret) result.step = login.secret_checked(snapshot(method), reply);
      if (result.step != Step::start_tls) continue;
      login.tls_started();
      pending.clear();  // the handshake's
      result.step = Step::send;
    } while (result.step == Step::send);
    require(result.step != Step::need_bytes || pending.size() <= authentication_message_max);
  } while (result.step == Step::need_bytes && !bytes.empty());

  require(result.step != Step::authenticated ||
          (method % 3 == 2 && (login.startup().user == "a" || login.startup().user == "s")));
  if (result.step == Step::refused) {
    result.reason = login.reason();
    result.message = login.message();
  }
  result.sent = reply.size();
  result.settings = login.settings();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView bytes = ByteView(data, size).subspan(2);
  const Result whole = run(bytes, data[0], std::max<std::size_t>(bytes.size(), 1));
  const Result portions = run(bytes, data[0], 1 + data[1] % 32);
  require((data[0] & tls_bit) != 0 || portions == whole);
  return 0;
}
