// A method and a portion size, then what a client sends. Oracle: nobody who does not know a password gets in,
// an incomplete packet is never a large one, and whether the bytes come at once or in portions changes
// nothing.
#include <algorithm>
#include <cstdlib>

#include "proxy/client_login.hpp"

using namespace pgweir;

namespace {

using Step = ClientLogin::Step;

void require(bool holds) {
  if (!holds) std::abort();
}

SnapshotRef snapshot_with(config::AuthMethod method) {
  auto settings = std::make_shared<config::Settings>();
  settings->listen.auth = method;
  settings->users["a"] = {"a", config::Secret("not to be guessed")};
  return make_snapshot(settings, nullptr);
}

const SnapshotRef& snapshot(unsigned choice) {
  static const SnapshotRef all[] = {snapshot_with(config::AuthMethod::scram_sha_256),
                                    snapshot_with(config::AuthMethod::md5),
                                    snapshot_with(config::AuthMethod::trust)};
  return all[choice % 3];
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
    } while (result.step == Step::send);
    require(result.step != Step::need_bytes || pending.size() <= authentication_message_max);
  } while (result.step == Step::need_bytes && !bytes.empty());

  require(result.step != Step::authenticated || (method % 3 == 2 && login.startup().user == "a"));
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
  require(run(bytes, data[0], 1 + data[1] % 32) == whole);
  return 0;
}
