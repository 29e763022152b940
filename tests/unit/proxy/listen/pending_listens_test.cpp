#include "proxy/listen/pending_listens.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

namespace {

// Statements that succeed, one after the other: "statement" or "statement => tag" where the tag matters.
void run(PendingListens& pending, const std::vector<std::string>& statements) {
  for (const std::string& statement : statements) {
    const std::size_t arrow = statement.find(" => ");
    const auto steps = listen_steps(statement.substr(0, arrow));
    REQUIRE(steps);
    REQUIRE(steps->size() == 1);
    pending.completed(steps->front(), arrow == std::string::npos ? "" : statement.substr(arrow + 4));
  }
}

std::string effect(PendingListens& pending, TransactionStatus status = TransactionStatus::idle) {
  std::string out;
  for (const ListenStep& step : pending.settle(status)) {
    out += step.verb == ListenVerb::listen ? "+" : "-";
    out += step.verb == ListenVerb::unlisten_all ? "*" : step.name;
  }
  return out;
}

}  // namespace

TEST_CASE("what a transaction has listened to takes effect when it commits") {
  struct Case {
    std::vector<std::string> statements;
    const char* effect;
  };
  const Case cases[] = {
      {{"LISTEN a"}, "+a"},
      {{"LISTEN a", "UNLISTEN b", "UNLISTEN *", "LISTEN c"}, "+a-b-*+c"},
      {{"DISCARD ALL"}, "-*"},
      {{"BEGIN", "LISTEN a", "COMMIT => COMMIT"}, "+a"},
      {{"BEGIN", "LISTEN a", "END => COMMIT"}, "+a"},
      {{"BEGIN", "LISTEN a", "ROLLBACK => ROLLBACK"}, ""},
      {{"BEGIN", "LISTEN a", "COMMIT => ROLLBACK"}, ""},
      {{"BEGIN", "LISTEN a", "COMMIT AND CHAIN => COMMIT", "LISTEN b", "ABORT => ROLLBACK"}, "+a"},
      {{"BEGIN", "LISTEN a", "SAVEPOINT s", "LISTEN b", "ROLLBACK TO s => ROLLBACK", "LISTEN c",
        "COMMIT => COMMIT"},
       "+a+c"},
      {{"BEGIN", "SAVEPOINT s", "LISTEN a", "RELEASE s", "COMMIT => COMMIT"}, "+a"},
      {{"BEGIN", "SAVEPOINT s", "LISTEN a", "RELEASE s", "SAVEPOINT s", "LISTEN b",
        "ROLLBACK TO s => ROLLBACK", "COMMIT => COMMIT"},
       "+a"},
      {{"BEGIN", "SAVEPOINT s", "LISTEN a", "SAVEPOINT t", "LISTEN b", "RELEASE t",
        "ROLLBACK TO s => ROLLBACK", "COMMIT => COMMIT"},
       ""},
      // The newer of two savepoints of one name; when it is released, the older one is back.
      {{"BEGIN", "SAVEPOINT s", "LISTEN a", "SAVEPOINT s", "LISTEN b", "ROLLBACK TO s => ROLLBACK",
        "RELEASE s", "COMMIT => COMMIT"},
       "+a"},
      {{"BEGIN", "SAVEPOINT s", "LISTEN a", "SAVEPOINT s", "LISTEN b", "RELEASE s",
        "ROLLBACK TO s => ROLLBACK", "COMMIT => COMMIT"},
       ""},
      {{"BEGIN", "SAVEPOINT s", "LISTEN a", "SAVEPOINT t", "ROLLBACK TO s => ROLLBACK",
        "ROLLBACK TO s => ROLLBACK", "LISTEN b", "COMMIT => COMMIT"},
       "+b"},
  };
  for (const Case& c : cases) {
    PendingListens pending;
    run(pending, c.statements);
    CHECK(effect(pending) == c.effect);
    CHECK(pending.empty());
    CHECK_FALSE(pending.lost_track());
  }
}

TEST_CASE("an open transaction keeps what it has until it ends") {
  PendingListens pending;
  run(pending, {"BEGIN", "LISTEN a"});
  CHECK(effect(pending, TransactionStatus::in_transaction).empty());
  run(pending, {"SAVEPOINT s", "LISTEN b"});
  CHECK(pending.candidates() == std::vector<std::string>{"a", "b"});
  pending.failed();
  CHECK(effect(pending, TransactionStatus::failed).empty());
  run(pending, {"ROLLBACK TO s => ROLLBACK"});
  CHECK(effect(pending, TransactionStatus::in_transaction).empty());
  CHECK(pending.candidates() == std::vector<std::string>{"a"});
  run(pending, {"COMMIT => COMMIT"});
  CHECK(effect(pending) == "+a");
}

TEST_CASE("an error outside a transaction block undoes what came before it, up to the last commit") {
  PendingListens pending;
  run(pending, {"LISTEN a"});
  pending.failed();
  CHECK(effect(pending).empty());
  // One query string: BEGIN; LISTEN a; COMMIT; LISTEN b; SELECT 1/0
  run(pending, {"BEGIN", "LISTEN a", "COMMIT => COMMIT", "LISTEN b"});
  pending.failed();
  CHECK(effect(pending) == "+a");
  // What one string failed at is over with its ReadyForQuery.
  run(pending, {"LISTEN c"});
  CHECK(effect(pending) == "+c");
}

TEST_CASE("a transaction that commits in the middle of a string tells so at the next ReadyForQuery") {
  PendingListens pending;
  run(pending, {"BEGIN", "LISTEN a", "COMMIT => COMMIT", "BEGIN", "LISTEN b"});
  CHECK(effect(pending, TransactionStatus::in_transaction) == "+a");
  run(pending, {"ROLLBACK => ROLLBACK"});
  CHECK(effect(pending).empty());
}

TEST_CASE("a savepoint that was not seen is older than all that is pending") {
  PendingListens pending;
  run(pending, {"LISTEN a", "SAVEPOINT s", "LISTEN b", "ROLLBACK TO unseen => ROLLBACK", "LISTEN c",
                "COMMIT => COMMIT"});
  CHECK(effect(pending) == "+c");
  // RELEASE takes the later savepoints along, but nothing that was asked for.
  run(pending, {"LISTEN a", "SAVEPOINT s", "LISTEN b", "RELEASE unseen", "COMMIT => COMMIT"});
  CHECK(effect(pending) == "+a+b");
}

TEST_CASE("what cannot be followed is admitted until the transaction is over") {
  PendingListens pending;
  run(pending, {"BEGIN", "LISTEN a"});
  pending.lose_track();
  CHECK(effect(pending, TransactionStatus::in_transaction).empty());
  CHECK(pending.lost_track());
  effect(pending);
  CHECK_FALSE(pending.lost_track());
  const ListenStep listen{ListenVerb::listen, "a", false};
  for (std::size_t i = 0; i < PendingListens::entries_max; ++i) pending.completed(listen, "LISTEN");
  CHECK_FALSE(pending.lost_track());
  pending.completed(listen, "LISTEN");
  CHECK(pending.lost_track());
}

TEST_CASE("DISCARD ALL takes effect although a later message of its batch fails") {
  PendingListens pending;
  pending.completed({ListenVerb::unlisten_all, {}}, "DISCARD ALL");
  pending.completed({ListenVerb::listen, "late"}, "LISTEN");
  pending.failed();
  CHECK(pending.settle(TransactionStatus::idle) == std::vector<ListenStep>{{ListenVerb::unlisten_all, {}}});
}
