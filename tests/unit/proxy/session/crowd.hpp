// Whole sessions in the directory of their worker. Each client is the other end of a socket pair. The worker does not
// run: what was posted to it is done when the test says so, and the only server has logged in before they come, so that
// none is looked for.
#pragma once

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "../session_stage.hpp"
#include "proxy/session/session.hpp"
#include "proxy/session/session_directory.hpp"

namespace pgweir::test {

class Crowd : public SessionStage {
 public:
  struct Client {
    FarEnd end;
    std::uint64_t id;
  };

  explicit Crowd(config::Settings settings = app_settings()) : SessionStage(std::move(settings)) {
    add_server();
  }
  // Sessions leave their directory.
  ~Crowd() override { worker().tasks().clear(); }

  // The sessions act on what has arrived.
  void take_turns() {
    for (int i = 0; i < 5; ++i) look();
  }
  // Before that, what was posted to their worker is done.
  void settle() {
    worker().io().poll();
    take_turns();
  }

  Client& connect() {
    const std::array<int, 2> fds = socket_pair();
    directory.adopt_client(UniqueFd(fds[0]), "192.0.2.8:4711");
    settle();
    const std::vector<std::uint64_t> ids = directory.ids();
    REQUIRE_FALSE(ids.empty());
    return clients_.emplace_back(Client{FarEnd(fds[1]), *std::max_element(ids.begin(), ids.end())});
  }
  Client& log_in(std::string_view database = "app") {
    Client& client = connect();
    ByteBuffer startup;
    write_startup_message(startup, 0, "anna", database, {});
    client.end.send(startup);
    take_turns();
    REQUIRE(told(client).ends_with("Z(I)"));
    return client;
  }
  void ask(Client& client, std::string_view query) {
    ByteBuffer bytes;
    write_query(bytes, query);
    client.end.send(bytes);
    take_turns();
  }
  // The server says so.
  void answer(std::initializer_list<const char*> words) {
    for (const char* const word : words) servers.front().end.send(reply(word));
    take_turns();
  }
  void begin_transaction(Client& client) {
    ask(client, "begin");
    answer({"C(BEGIN)", "Z(T)"});
    REQUIRE(told(client) == "C(BEGIN) Z(T)");
  }
  // What has arrived at the client since the last look.
  std::string told(Client& client) { return text_of(client.end.received(), backend_rule); }

  static constexpr std::uint64_t nobody = 4711;  // the id of no session
  static constexpr std::size_t directory_count = 2;
  SessionDirectories directories;
  SessionDirectory& directory =
      directories.add(std::make_unique<SessionDirectory>(worker(), process.context, directory_count));

 private:
  std::deque<Client> clients_;
};

}  // namespace pgweir::test
