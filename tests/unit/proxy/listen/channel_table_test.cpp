#include "proxy/listen/channel_table.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

namespace {

constexpr Subscriber anna{0, 10};
constexpr Subscriber bert{1, 11};
constexpr Subscriber cleo{0, 12};

using Answers = std::vector<ListenAnswer>;

ListenChange listen(std::vector<std::string> channels) {
  return {false, {}, std::move(channels)};
}
ListenChange unlisten(std::vector<std::string> channels) {
  return {false, std::move(channels), {}};
}

// The batch in words: "LISTEN a; UNLISTEN b; -".
std::string batch(ChannelTable& table) {
  std::string out;
  for (const HubCommand& command : table.next_batch()) {
    if (!out.empty()) out += "; ";
    switch (command.kind) {
      case HubCommand::Kind::listen:
        out += "LISTEN " + command.channel;
        break;
      case HubCommand::Kind::unlisten:
        out += "UNLISTEN " + command.channel;
        break;
      case HubCommand::Kind::round_trip:
        out += "-";
    }
  }
  return out;
}

// The server answers everything that is under way.
Answers acknowledge_all(ChannelTable& table) {
  Answers all;
  while (table.has_batch()) {
    const Answers answers = table.acknowledge(true);
    all.insert(all.end(), answers.begin(), answers.end());
  }
  return all;
}

void settle(ChannelTable& table) {
  while (!batch(table).empty()) acknowledge_all(table);
}

// Sessions of worker 0 and worker 1: "10,12|11".
std::string audience(ChannelTable& table, std::string_view channel) {
  std::string out;
  for (const Audience& part : table.audience(channel)) {
    if (!out.empty()) out += '|';
    for (std::size_t i = 0; i < part.sessions->size(); ++i)
      out += (i > 0 ? "," : "") + std::to_string((*part.sessions)[i]);
  }
  return out;
}

}  // namespace

TEST_CASE("the first listener of a channel is answered when the server has answered LISTEN") {
  ChannelTable table;
  CHECK_FALSE(table.change(anna, listen({"a"})));
  CHECK(audience(table, "a").empty());
  CHECK(batch(table) == "LISTEN a");
  CHECK(audience(table, "a").empty());
  CHECK(table.acknowledge(true) == Answers{{anna, ListenOutcome::done}});
  CHECK(audience(table, "a") == "10");
  CHECK(batch(table).empty());
}

TEST_CASE("a further listener waits for a round trip, so that it gets nothing from before its request") {
  ChannelTable table;
  table.change(anna, listen({"a"}));
  settle(table);
  CHECK_FALSE(table.change(bert, listen({"a"})));
  CHECK(batch(table) == "-");
  CHECK(audience(table, "a") == "10");
  CHECK(table.acknowledge(true) == Answers{{bert, ListenOutcome::done}});
  CHECK(audience(table, "a") == "10|11");
}

TEST_CASE("what is asked while a batch is under way shares the next one") {
  ChannelTable table;
  table.change(anna, listen({"a"}));
  CHECK(batch(table) == "LISTEN a");
  table.change(bert, listen({"a"}));
  table.change(cleo, listen({"a", "b"}));
  CHECK(batch(table).empty());
  CHECK(table.acknowledge(true) == Answers{{anna, ListenOutcome::done}});
  CHECK(audience(table, "a") == "10");
  CHECK(batch(table) == "LISTEN b");
  CHECK(table.acknowledge(true) == Answers{{bert, ListenOutcome::done}, {cleo, ListenOutcome::done}});
  CHECK(audience(table, "a") == "10,12|11");
  CHECK(audience(table, "b") == "12");
}

TEST_CASE("several channels go out in one batch, and their client is answered after the last") {
  ChannelTable table;
  table.change(anna, listen({"a", "b"}));
  CHECK(batch(table) == "LISTEN a; LISTEN b");
  CHECK(table.under_way().channel == "a");
  CHECK(table.acknowledge(true).empty());
  CHECK(audience(table, "a").empty());
  CHECK(table.under_way().channel == "b");
  CHECK(table.acknowledge(true) == Answers{{anna, ListenOutcome::done}});
}

TEST_CASE("UNLISTEN delivers what came before it, and the last one makes the server forget the channel") {
  ChannelTable table;
  table.change(anna, listen({"a", "b"}));
  table.change(bert, listen({"a"}));
  settle(table);
  CHECK_FALSE(table.change(anna, unlisten({"a"})));
  CHECK(batch(table) == "-");
  CHECK(audience(table, "a") == "10|11");
  CHECK(table.acknowledge(true) == Answers{{anna, ListenOutcome::done}});
  CHECK(audience(table, "a") == "11");
  CHECK(batch(table).empty());
  table.change(bert, {true, {}, {}});
  CHECK(batch(table) == "-");
  CHECK(table.acknowledge(true) == Answers{{bert, ListenOutcome::done}});
  CHECK(batch(table) == "UNLISTEN a");
  CHECK(table.acknowledge(true).empty());
  CHECK(table.channels() == 2);
  CHECK(batch(table).empty());
  CHECK(table.channels() == 1);
  CHECK(table.clients() == 1);
  CHECK_FALSE(table.idle());
}

TEST_CASE("one request may give up channels and take others") {
  ChannelTable table;
  table.change(anna, listen({"a", "b"}));
  settle(table);
  table.change(anna, {true, {"x"}, {"b", "c"}});
  CHECK(batch(table) == "LISTEN c");
  CHECK(acknowledge_all(table) == Answers{{anna, ListenOutcome::done}});
  CHECK(audience(table, "a").empty());
  CHECK(audience(table, "b") == "10");
  CHECK(audience(table, "c") == "10");
  CHECK(batch(table) == "UNLISTEN a");
}

TEST_CASE("an empty request is answered after a round trip, if anything can be owed") {
  ChannelTable table;
  CHECK(table.change(anna, {}) == ListenOutcome::done);
  CHECK(table.change(anna, {true, {}, {}}) == ListenOutcome::done);
  CHECK(table.idle());
  CHECK(table.clients() == 0);
  // Behind a request of its own it must not come first.
  CHECK_FALSE(table.change(anna, listen({"a"})));
  CHECK_FALSE(table.change(anna, unlisten({"a"})));
  CHECK(batch(table) == "LISTEN a");
  CHECK(table.acknowledge(true) == Answers{{anna, ListenOutcome::done}, {anna, ListenOutcome::done}});
  CHECK(audience(table, "a").empty());
  CHECK(batch(table) == "UNLISTEN a");
}

TEST_CASE("listening twice is listening once") {
  ChannelTable table;
  table.change(anna, listen({"a", "a"}));
  CHECK(batch(table) == "LISTEN a");
  CHECK(acknowledge_all(table) == Answers{{anna, ListenOutcome::done}});
  table.change(anna, listen({"a"}));
  CHECK(batch(table) == "-");
  acknowledge_all(table);
  CHECK(audience(table, "a") == "10");
  table.change(anna, unlisten({"a"}));
  settle(table);
  CHECK(table.idle());
}

TEST_CASE("a client that leaves is forgotten at every stage") {
  ChannelTable table;
  SECTION("while it listens") {
    table.change(anna, listen({"a", "b"}));
    settle(table);
    table.leave(anna);
    CHECK(audience(table, "a").empty());
    CHECK(batch(table) == "UNLISTEN a; UNLISTEN b");
    CHECK(acknowledge_all(table).empty());
    CHECK(batch(table).empty());
  }
  SECTION("before its request was sent") {
    table.change(anna, listen({"a"}));
    table.leave(anna);
    CHECK(batch(table).empty());
  }
  SECTION("while its request is under way") {
    table.change(anna, listen({"a"}));
    CHECK(batch(table) == "LISTEN a");
    table.leave(anna);
    CHECK(table.acknowledge(true).empty());
    CHECK(batch(table) == "UNLISTEN a");
    acknowledge_all(table);
    CHECK(batch(table).empty());
  }
  SECTION("and comes back at once") {
    table.change(anna, listen({"a"}));
    CHECK(batch(table) == "LISTEN a");
    table.leave(anna);
    table.change(anna, listen({"a"}));
    CHECK(table.acknowledge(true).empty());
    CHECK(batch(table) == "-");
    CHECK(table.acknowledge(true) == Answers{{anna, ListenOutcome::done}});
    table.leave(anna);
    settle(table);
  }
  SECTION("which another one does not notice") {
    table.change(anna, listen({"a"}));
    table.change(bert, listen({"a"}));
    CHECK(batch(table) == "LISTEN a");
    table.leave(anna);
    CHECK(table.acknowledge(true) == Answers{{bert, ListenOutcome::done}});
    CHECK(audience(table, "a") == "11");
    table.leave(bert);
    settle(table);
  }
  CHECK(table.idle());
  CHECK(table.clients() == 0);
  table.leave(anna);
}

TEST_CASE("a channel that is wanted again while the server forgets it is listened to again") {
  ChannelTable table;
  table.change(anna, listen({"a"}));
  settle(table);
  table.leave(anna);
  CHECK(batch(table) == "UNLISTEN a");
  table.change(bert, listen({"a"}));
  CHECK(table.acknowledge(true).empty());
  CHECK(batch(table) == "LISTEN a");
  CHECK(table.acknowledge(true) == Answers{{bert, ListenOutcome::done}});
}

TEST_CASE("a LISTEN that the server refuses fails the request that wanted it, whole, and no other") {
  ChannelTable table;
  table.change(anna, listen({"a", "b"}));
  table.change(bert, listen({"a"}));
  CHECK(batch(table) == "LISTEN a; LISTEN b");
  CHECK(table.acknowledge(true).empty());
  CHECK(table.acknowledge(false) == Answers{{anna, ListenOutcome::refused}, {bert, ListenOutcome::done}});
  CHECK(audience(table, "a") == "11");
  CHECK(batch(table).empty());
  CHECK(table.channels() == 1);
  CHECK(table.clients() == 1);
}

TEST_CASE("limits refuse a whole request at once") {
  ChannelTable table({3, 2});
  CHECK(table.change(anna, listen({"a", "b", "c"})) == ListenOutcome::too_many);
  CHECK(table.idle());
  CHECK(table.clients() == 0);
  table.change(anna, listen({"a", "b"}));
  settle(table);
  CHECK_FALSE(table.change(anna, listen({"a", "b"})));
  CHECK(table.change(bert, listen({"c", "d"})) == ListenOutcome::too_many);
  CHECK_FALSE(table.change(bert, listen({"a", "c"})));
  settle(table);
  CHECK(table.channels() == 3);
}

TEST_CASE("with the connection its listeners are lost, and other requests are kept") {
  ChannelTable table;
  table.change(anna, listen({"a", "b"}));
  settle(table);
  table.change(anna, listen({"c"}));
  table.change(bert, listen({"a"}));
  CHECK(batch(table) == "LISTEN c");
  table.change(cleo, listen({"d"}));
  CHECK(table.lose_connection() == std::vector<Subscriber>{anna});
  CHECK(audience(table, "a").empty());
  CHECK(table.has_requests());
  CHECK(batch(table) == "LISTEN a; LISTEN d");
  CHECK(acknowledge_all(table) == Answers{{bert, ListenOutcome::done}, {cleo, ListenOutcome::done}});
  table.leave(anna);
  CHECK(table.clients() == 2);
  CHECK(table.channels() == 2);
}

TEST_CASE("requests that no connection can be had for are refused") {
  ChannelTable table;
  table.change(anna, listen({"a"}));
  table.change(anna, {});
  table.change(bert, listen({"a", "b"}));
  CHECK(table.refuse_requests(ListenOutcome::unavailable) == Answers{{anna, ListenOutcome::unavailable},
                                                                     {anna, ListenOutcome::done},
                                                                     {bert, ListenOutcome::unavailable}});
  CHECK(batch(table).empty());
  CHECK(table.idle());
  CHECK(table.clients() == 0);
}

TEST_CASE("channels that were asked for in vain are forgotten, also without a connection") {
  ChannelTable table;
  CHECK_FALSE(table.change(anna, listen({"a", "b"})));
  CHECK_FALSE(table.change(bert, listen({"b"})));
  SECTION("because no connection can be had") {
    table.refuse_requests(ListenOutcome::unavailable);
  }
  SECTION("because the clients have left") {
    table.leave(anna);
    CHECK(table.channels() == 1);
    table.leave(bert);
  }
  CHECK(table.channels() == 0);
  CHECK(table.idle());
  CHECK(batch(table).empty());
}

TEST_CASE("a channel whose end is under way is not forgotten before the server has answered") {
  ChannelTable table;
  table.change(anna, listen({"a"}));
  settle(table);
  table.leave(anna);
  CHECK(batch(table) == "UNLISTEN a");
  table.change(bert, listen({"b"}));
  table.leave(bert);
  acknowledge_all(table);
  settle(table);
  CHECK(table.idle());
}
