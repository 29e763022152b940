// The streams are those of PostgreSQL 15, sent to it over a raw socket.
#include "protocol/response_tracker.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "tests/unit/protocol/tracker_script.hpp"

namespace pgweir {
namespace {

using test::check;
using test::TrackerRow;
using test::TrackerScript;

TEST_CASE("every message is answered in its turn", "[response_tracker]") {
  const TrackerRow rows[] = {
      {"a query", "> Q < T D D C Z(I)", "T D D C Z(I)", "Q+", "settled"},
      {"a query that is not answered yet", "> Q < T D C", "T D C", "", "owed"},
      {"X06 several statements in a query", "> Q < C T D C C Z(I)", "C T D C C Z(I)", "Q+", "settled"},
      {"X07 the second of three statements fails", "> Q < C E Z(I)", "C E Z(I)", "Q+", "settled"},
      {"X10 an empty query", "> Q < I Z(I)", "I Z(I)", "Q+", "settled"},
      {"an empty prepared statement", "> P Ds B Dp E S < 1 t n 2 n I Z(I)", "1 t n 2 n I Z(I)",
       "P+ Ds+ B+ Dp+ E+ S+", "settled"},
      {"the usual five", "> P B Dp E S < 1 2 T D C Z(I)", "1 2 T D C Z(I)", "P+ B+ Dp+ E+ S+", "settled"},
      {"X46 a Sync alone", "> S < Z(I)", "Z(I)", "S+", "settled"},
      {"X47 three Syncs, three answers", "> P B E S S S < 1 2 D C Z(I) Z(I) Z(I)", "1 2 D C Z(I) Z(I) Z(I)",
       "P+ B+ E+ S+ S+ S+", "settled"},
      {"X47 after the first of three", "> P B E S S S < 1 2 D C Z(I)", "1 2 D C Z(I)", "P+ B+ E+ S+", "owed"},
      {"X12 closing what does not exist", "> C C S < 3 3 Z(I)", "3 3 Z(I)", "C+ C+ S+", "settled"},
      {"X39 a function call", "> F < V Z(I)", "V Z(I)", "F+", "settled"},
      {"X40 a function call that fails", "> F < E Z(I)", "E Z(I)", "F+", "settled"},
      {"a function call ends what was not synced", "> P B E H < 1 2 C > F < V Z(I)", "1 2 C V Z(I)",
       "P+ B+ E+ F+", "settled"},
      {"X23 a portal is gone after Sync", "> B E S < 2 D D s Z(I) > E S < E Z(I)", "2 D D s Z(I) E Z(I)",
       "B+ E+ S+ Ex S+", "settled"},
      {"X25 Flush without Sync holds the server", "> P B E H < 1 2 D D s", "1 2 D D s", "P+ B+ E+",
       "unsynced"},
      {"X25 until the Sync", "> P B E H < 1 2 D D s > E H < D D s > E S < D C Z(I)",
       "1 2 D D s D D s D C Z(I)", "P+ B+ E+ E+ E+ S+", "settled"},
      {"X26 two portals in turn", "> P B B E E E S < 1 2 2 D s D s D C Z(I)", "1 2 2 D s D s D C Z(I)",
       "P+ B+ B+ E+ E+ E+ S+", "settled"},
      {"B1 more was sent behind the Sync", "> P B E S P < 1 2 D C Z(I)", "1 2 D C Z(I)", "P+ B+ E+ S+",
       "unsynced"},
      {"B1 and its end", "> P B E S P < 1 2 D C Z(I) > B E S < 1 2 D C Z(I)", "1 2 D C Z(I) 1 2 D C Z(I)",
       "P+ B+ E+ S+ P+ B+ E+ S+", "settled"},
      {"X48 a transaction is open", "> P B E S < 1 2 C Z(T)", "1 2 C Z(T)", "P+ B+ E+ S+", "owed"},
      {"X08 a failed transaction is open", "> Q < C Z(T) > Q < E Z(E)", "C Z(T) E Z(E)", "Q+ Q+", "owed"},
      {"X45 COMMIT of a failed transaction", "> Q < E Z(E) > P B E S < 1 2 C Z(I)", "E Z(E) 1 2 C Z(I)",
       "Q+ P+ B+ E+ S+", "settled"},
      {"COPY OUT, simple and extended", "> Q P B E S < H d d c C Z(I) 1 2 H d c C Z(I)",
       "H d d c C Z(I) 1 2 H d c C Z(I)", "Q+ P+ B+ E+ S+", "settled"},
  };
  for (const TrackerRow& row : rows) check(row);
}

TEST_CASE("after an error nothing is answered up to the Sync", "[response_tracker]") {
  const TrackerRow rows[] = {
      {"X01 a Parse fails, two pipelines", "> P B E P B E S < E Z(I)", "E Z(I)", "Px B. E. P. B. E. S+",
       "settled"},
      {"X02 an Execute fails in the middle", "> P B E P B E P B E S < 1 2 C 1 E Z(I) > Q < T D C Z(I)",
       "1 2 C 1 E Z(I) T D C Z(I)", "P+ B+ E+ P+ Bx E. P. B. E. S+ Q+", "settled"},
      {"X03 the Sync has not come", "> P B E H < E", "E", "Px B. E.", "skipping unsynced"},
      {"X03 the Sync comes", "> P B E H < E > S < Z(I)", "E Z(I)", "Px B. E. S+", "settled"},
      {"X03 two Syncs come", "> P B E H < E > S S < Z(I) Z(I)", "E Z(I) Z(I)", "Px B. E. S+ S+", "settled"},
      {"X04 a Query behind a Flush", "> P B Dp E H < 1 2 T D C > Q < T D C Z(I) > S < Z(I)",
       "1 2 T D C T D C Z(I) Z(I)", "P+ B+ Dp+ E+ Q+ S+", "settled"},
      {"X04 a Query ends what was not synced", "> P B E H < 1 2 C > Q < C Z(I)", "1 2 C C Z(I)",
       "P+ B+ E+ Q+", "settled"},
      {"X05 a Query inside the skip window", "> P B E Q S < E Z(I) > Q < T D C Z(I)", "E Z(I) T D C Z(I)",
       "Px B. E. Q. S+ Q+", "settled"},
      {"X49 a Query inside it, the Sync later", "> P B E Q < 1 E > S < Z(E)", "1 E Z(E)", "P+ Bx E. Q. S+",
       "owed"},
      {"a FunctionCall inside the skip window", "> P F S < E Z(I)", "E Z(I)", "Px F. S+", "settled"},
      {"a Query that fails skips nothing", "> Q P B E S < E Z(I) 1 2 D C Z(I)", "E Z(I) 1 2 D C Z(I)",
       "Q+ P+ B+ E+ S+", "settled"},
      {"an error ends at its own Sync", "> P S P B E S < E Z(I) 1 2 D C Z(I)", "E Z(I) 1 2 D C Z(I)",
       "Px S+ P+ B+ E+ S+", "settled"},
      {"E10 the Sync itself fails", "> P B E H < 1 2 C > S < E Z(I)", "1 2 C E Z(I)", "P+ B+ E+ S+",
       "settled"},
      {"X11 X15 a refused Parse, then the next", "> P S < E Z(I) > P B E S < 1 2 D C Z(I)",
       "E Z(I) 1 2 D C Z(I)", "Px S+ P+ B+ E+ S+", "settled"},
      {"X57 a malformed Bind without Sync", "> B < E", "E", "Bx", "skipping unsynced"},
      {"Describe fails", "> Ds S < E Z(I)", "E Z(I)", "Dsx S+", "settled"},
      {"Describe of a portal fails", "> Dp S < E Z(I)", "E Z(I)", "Dpx S+", "settled"},
      {"an Execute fails behind its first rows", "> B E S < 2 D D E Z(I)", "2 D D E Z(I)", "B+ Ex S+",
       "settled"},
      {"X50 VACUUM in a pipeline", "> P B E P B E S < 1 2 C 1 2 E Z(I)", "1 2 C 1 2 E Z(I)",
       "P+ B+ E+ P+ B+ Ex S+", "settled"},
  };
  for (const TrackerRow& row : rows) check(row);
}

TEST_CASE("replies of ours take their place among the server's", "[response_tracker]") {
  const TrackerRow rows[] = {
      {"at once when nothing is owed", "> P!", "[1]", "P+", "settled"},
      {"it opens no transaction", "> P! S < Z(I)", "[1] Z(I)", "P+ S+", "settled"},
      {"before what follows", "> P! B E S < 2 C Z(I)", "[1] 2 C Z(I)", "P+ B+ E+ S+", "settled"},
      {"between two of the server's", "> B E P! B E S < 2 C 2 C Z(I)", "2 C [1] 2 C Z(I)",
       "B+ E+ P+ B+ E+ S+", "settled"},
      {"behind the last row, not before", "> B E C! < 2 D D", "2 D D", "B+", "unsynced"},
      {"several in a row", "> B C! P! C! S < 2 Z(I)", "2 [3] [1] [3] Z(I)", "B+ C+ P+ C+ S+", "settled"},
      {"behind ReadyForQuery", "> S P! < Z(I)", "Z(I) [1]", "S+ P+", "settled"},
      {"behind a Query", "> Q P! B E S < C Z(I) 2 C Z(I)", "C Z(I) [1] 2 C Z(I)", "Q+ P+ B+ E+ S+",
       "settled"},
      {"skipped after an error", "> B P! E S < E Z(I)", "E Z(I)", "Bx P. E. S+", "settled"},
      {"due again behind the Sync", "> B S P! S < E Z(I) Z(I)", "E Z(I) [1] Z(I)", "Bx S+ P+ S+", "settled"},
      {"given before the error comes", "> P! B S < E Z(I)", "[1] E Z(I)", "P+ Bx S+", "settled"},
  };
  for (const TrackerRow& row : rows) check(row);
}

TEST_CASE("messages of ours stay invisible", "[response_tracker]") {
  const TrackerRow rows[] = {
      {"a Parse for the client's Bind", "> P- B E S < 1 2 C Z(I)", "- 2 C Z(I)", "P+ B+ E+ S+", "settled"},
      {"its failure is the client's", "> P- B E S < E Z(I)", "E Z(I)", "Px B. E. S+", "settled"},
      {"a Close that makes room", "> C- P B S < 3 1 2 Z(I)", "- 1 2 Z(I)", "C+ P+ B+ S+", "settled"},
      {"a Query of ours", "> Q~ Q < T D C Z(I) T D C Z(I)", "- - - - T D C Z(I)", "Q+ Q+", "settled"},
      {"a Query of ours fails", "> Q~ Q < E Z(I) T D C Z(I)", "- - T D C Z(I)", "Q+ Q+", "settled"},
      {"a Parse and Sync of ours", "> P~ S~ P B E S < 1 Z(I) 1 2 C Z(I)", "- - 1 2 C Z(I)",
       "P+ S+ P+ B+ E+ S+", "settled"},
      {"a Parse and Sync of ours fail", "> P~ S~ P B E S < E Z(I) 1 2 C Z(I)", "- - 1 2 C Z(I)",
       "Px S+ P+ B+ E+ S+", "settled"},
      {"our Sync ends an abandoned skip window", "> P B < E > S~ < Z(E) > Q~ < C Z(I)", "E - - -",
       "Px B. S+ Q+", "settled"},
  };
  for (const TrackerRow& row : rows) check(row);
}

TEST_CASE("a reply that nobody asked for is a violation", "[response_tracker]") {
  const std::string types = "123AHGWIdcCDEKNRSTVZnstv";
  SECTION("when nothing is owed") {
    for (const char type : types) {
      TrackerScript script;
      script.run(std::string("< ") + type);
      CHECK(script.client() == "!");
    }
  }
  SECTION("of another kind than the oldest message") {
    struct {
      const char* oldest;
      const char* allowed;
    } const rows[] = {{"P", "1E"},        {"B", "2E"},        {"Ds", "tTnE"}, {"Dp", "TnE"}, {"C", "3E"},
                      {"E", "DCIsGHdcE"}, {"Q", "TDCIGHdcE"}, {"F", "VE"},    {"S", "EZ"}};
    for (const auto& row : rows) {
      for (const char type : types + std::string("\0x\xff", 3)) {
        INFO(row.oldest << " answered by " << static_cast<int>(type));
        TrackerScript script;
        script.run(std::string("> ") + row.oldest);
        ResponseTracker::Verdict got = script.tracker.receive(type, TransactionStatus::idle, script);
        const bool allowed = std::string(row.allowed).find(type) != std::string::npos;
        CHECK(got ==
              (allowed ? ResponseTracker::Verdict::forward : ResponseTracker::Verdict::protocol_violation));
      }
    }
  }
  SECTION("before its turn") {
    for (const char* text :
         {"> P B < 2", "> B E S < Z(I)", "> P S < 1 1", "> Q < C Z(I) Z(I)", "> E < C C"}) {
      INFO(text);
      TrackerScript script;
      script.run(text);
      CHECK(script.client().back() == '!');
    }
  }
}

TEST_CASE("segments count the Syncs", "[response_tracker]") {
  TrackerScript script;
  script.run("> P B");
  CHECK(script.tracker.segment() == 0);
  script.run("> S P");
  CHECK(script.tracker.segment() == 1);
  CHECK(script.tracker.outstanding() == 4);
  CHECK(script.tracker.oldest()->reply == Reply::parse);
}

TEST_CASE("a Sync of ours never falls into the client's skip window", "[response_tracker]") {
  const auto may_insert = [](const char* text) {
    TrackerScript script;
    script.run(text);
    return script.tracker.may_insert_group();
  };
  CHECK(may_insert(">"));
  CHECK(may_insert("> P!"));
  CHECK(may_insert("> P S Q"));
  CHECK(may_insert("> P H < 1 > Q"));
  CHECK_FALSE(may_insert("> P"));
  CHECK_FALSE(may_insert("> P H < 1"));
  CHECK_FALSE(may_insert("> P Q"));  // the Parse may fail, and skip the Query and what is behind it
  CHECK_FALSE(may_insert("> P < E"));
  CHECK_FALSE(may_insert("> Q*"));
  CHECK_FALSE(may_insert("> Q* < G > S d < E"));
  CHECK_FALSE(may_insert("> Q* < G > S d < E > #"));
}

TEST_CASE("a ReadyForQuery before a Query or FunctionCall has run is a violation", "[response_tracker]") {
  const TrackerRow rows[] = {
      {"a Query alone", "> Q < Z(I)", "!", "", "owed"},
      {"rows without their tag", "> Q < T D Z(I)", "T D !", "", "owed"},
      {"the one of the Query before comes twice", "> Q Q < C Z(I) Z(I)", "C Z(I) !", "Q+", "owed"},
      {"behind one of pgweir's own", "> Q~ Q < T D C Z(I) Z(I)", "- - - - !", "Q+", "owed"},
      {"behind a Sync", "> P B E S Q < 1 2 C Z(I) Z(I)", "1 2 C Z(I) !", "P+ B+ E+ S+", "owed"},
      {"a FunctionCall", "> F < Z(I)", "!", "", "owed"},
      {"while a COPY IN is open", "> Q* < G Z(I)", "G !", "", "copy"},
  };
  for (const TrackerRow& row : rows) check(row);
}

TEST_CASE("answers to extended messages are owed from the Flush, Sync or Query behind them on",
          "[response_tracker]") {
  const auto is_asked = [](const char* text) {
    INFO(text);
    TrackerScript script;
    script.run(text);
    return script.tracker.is_asked();
  };
  CHECK_FALSE(is_asked(""));
  CHECK_FALSE(is_asked("> P B E"));
  for (const char* asking : {"> P B E H", "> P B E S", "> P B E Q", "> P B E F", "> Q", "> S"})
    CHECK(is_asked(asking));
  SECTION("until they have come") {
    CHECK(is_asked("> P B E H < 1 2 D"));
    CHECK_FALSE(is_asked("> P B E H < 1 2 D C"));
    CHECK_FALSE(is_asked("> P B E H < 1 E"));
    CHECK(is_asked("> P B E H > S < 1 E"));
    CHECK(is_asked("> P B E S < 1 2 C"));
    CHECK_FALSE(is_asked("> P B E S < 1 2 C Z(I)"));
  }
  SECTION("those to what was sent behind it are not") {
    CHECK(is_asked("> P B E H P B E < 1 2"));
    CHECK_FALSE(is_asked("> P B E H P B E < 1 2 C"));
    CHECK_FALSE(is_asked("> P B E H P B E < 1 2 C 1 2 C"));
    CHECK_FALSE(is_asked("> P B E H P B E < 1 E"));
    CHECK(is_asked("> P B E S P B E < 1 2 C"));
    CHECK_FALSE(is_asked("> P B E S P B E < 1 2 C Z(I)"));
  }
  SECTION("a COPY IN swallows what has asked for them") {
    CHECK_FALSE(is_asked("> P B E* H < 1 2 G"));
    CHECK_FALSE(is_asked("> P B E* S < 1 2 G > d c"));
    CHECK_FALSE(is_asked("> P B E* < 1 2 G > d H c"));
    CHECK(is_asked("> P B E* < 1 2 G > d c H"));
    CHECK(is_asked("> P B E* d c S < 1 2 G"));
    CHECK(is_asked("> P B E* d c H < 1 2 G"));
    CHECK(is_asked("> P B E* S d c H < 1 2 G"));
    CHECK_FALSE(is_asked("> P B E* d c H P < 1 2 G C"));
    CHECK_FALSE(is_asked("> P B E* d H c < 1 2 G"));
    CHECK(is_asked("> Q* < G > d"));
    CHECK(is_asked("> Q* < G > d c"));
    CHECK_FALSE(is_asked("> Q* < G > d c < C Z(I)"));
    CHECK(is_asked("> Q* < G > S d < E > #"));
  }
}

TEST_CASE("a pipeline that never runs dry keeps no spent entries", "[response_tracker]") {
  TrackerScript script;
  script.run("> S");
  for (int i = 0; i < 20'000; ++i) script.run("> S < Z(I)");
  CHECK(script.tracker.outstanding() == 1);
  CHECK(script.tracker.capacity() < 512);
  script.run("< Z(I)");
  CHECK(script.state() == "settled");
  script.tracker.shrink();
  script.run("> Q < C Z(I)");
  CHECK(script.state() == "settled");
}

TEST_CASE("a long pipeline gives its memory back", "[response_tracker]") {
  TrackerScript script;
  for (int i = 0; i < 1000; ++i) script.run("> P");
  CHECK(script.tracker.outstanding() == 1000);
  script.run("< E > S < Z(I)");
  CHECK(script.tracker.capacity() >= 1000);
  script.tracker.shrink();
  CHECK(script.tracker.capacity() == 0);
}

}  // namespace
}  // namespace pgweir
