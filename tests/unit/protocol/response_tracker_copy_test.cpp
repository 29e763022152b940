// COPY IN, where a Sync may be swallowed, and the fence that finds out. The streams are PostgreSQL 15's.
#include <catch2/catch.hpp>

#include "protocol/response_tracker.hpp"
#include "tests/unit/protocol/tracker_script.hpp"

namespace pgweir {
namespace {

using test::check;
using test::TrackerRow;

TEST_CASE("COPY IN succeeds", "[response_tracker][copy]") {
  const TrackerRow rows[] = {
      {"a Query that may copy", "> Q*", "", "", "copy?"},
      {"it does not copy after all", "> Q* < T D C Z(I)", "T D C Z(I)", "Q+", "settled"},
      {"simple: open", "> Q* < G", "G", "", "copy"},
      {"simple: data, then CopyDone", "> Q* < G > d d c < C Z(I)", "G C Z(I)", "Q+", "settled"},
      {"the end of the data is on its way", "> Q* < G > d c", "G", "", "copy?"},
      {"X31 Flush and Sync during the data", "> Q* < G > d H S d S c < C Z(I)", "G C Z(I)", "Q+", "settled"},
      {"simple: a Sync behind the data", "> Q* < G > d c S < C Z(I) Z(I)", "G C Z(I) Z(I)", "Q+ S+",
       "settled"},
      {"simple: all in one write", "> Q* d c S < G C Z(I) Z(I)", "G C Z(I) Z(I)", "Q+ S+", "settled"},
      {"extended: Sync behind the data", "> P B E* < 1 2 G > d c S < C Z(I)", "1 2 G C Z(I)", "P+ B+ E+ S+",
       "settled"},
      {"X32 extended: the first Sync is swallowed", "> P B E* S < 1 2 G", "1 2 G", "P+ B+", "unsynced copy"},
      {"X32 its data and a second Sync", "> P B E* S < 1 2 G > d c S < C Z(I)", "1 2 G C Z(I)", "P+ B+ E+ S+",
       "settled"},
      {"X32 without a second Sync it is not over", "> P B E* S < 1 2 G > d c < C", "1 2 G C", "P+ B+ E+",
       "unsynced"},
      {"X32 in one write: the second Sync ends it", "> P B E* S d c S < 1 2 G C Z(I)", "1 2 G C Z(I)",
       "P+ B+ E+ S+", "settled"},
      {"X35 stray ends of data are marks only", "> c f Q < C Z(I)", "C Z(I)", "Q+", "settled"},
      {"COPY in a transaction", "> Q < C Z(T) > Q* < G > d c < C Z(T)", "C Z(T) G C Z(T)", "Q+ Q+", "owed"},
      {"a Query without the mark copies all the same", "> Q < G > d c < C Z(I)", "G C Z(I)", "Q+", "settled"},
  };
  for (const TrackerRow& row : rows) check(row);
}

TEST_CASE("two COPYs in one query string", "[response_tracker][copy]") {
  const TrackerRow rows[] = {
      {"X36 in turn", "> Q* < G > d c < C G > d c < C Z(I)", "G C G C Z(I)", "Q+", "settled"},
      {"both in one write", "> Q* d c d c < G C G C Z(I)", "G C G C Z(I)", "Q+", "settled"},
      {"between the two", "> Q* d c d c < G C", "G C", "", "copy?"},
      {"between the two of a Query without the mark", "> Q < G > d c < C", "G C", "", "copy?"},
      {"a Sync before the second data is swallowed", "> Q* d c S d c S < G C G C Z(I) Z(I)",
       "G C G C Z(I) Z(I)", "Q+ S+", "settled"},
      {"the first fails: that Sync is answered", "> Q* d c S d c S < G E Z(I) Z(I) Z(I)",
       "G E Z(I) Z(I) Z(I)", "Q+ S+ S+", "settled"},
      {"the second never opens", "> Q* d c S d c S < G C E Z(I) Z(I) Z(I)", "G C E Z(I) Z(I) Z(I)",
       "Q+ S+ S+", "settled"},
      {"the second fails behind the Sync", "> Q* d c S d c < G C G E > # < Z(I) Z(I) 3 Z(I)",
       "G C G E Z(I) - - -", "Q+ S+", "settled"},
      {"the second fails before the Sync", "> Q* d c d S < G C G E > # < Z(I) Z(I) Z(I) 3 Z(I)",
       "G C G E Z(I) - Z(I) - -", "Q+ S+", "settled"},
  };
  for (const TrackerRow& row : rows) check(row);
}

TEST_CASE("COPY IN fails with no Sync inside", "[response_tracker][copy]") {
  const TrackerRow rows[] = {
      {"X29 a bad row, data still coming", "> Q* < G > d < E Z(I) > d c", "G E Z(I)", "Q+", "settled"},
      {"X29 the end was sent before the error came", "> Q* < G > d d c < E Z(I)", "G E Z(I)", "Q+",
       "settled"},
      {"X28 CopyFail", "> Q* < G > d f < E Z(I)", "G E Z(I)", "Q+", "settled"},
      {"X33 extended", "> P B E* < 1 2 G > d < E > S < Z(I)", "1 2 G E Z(I)", "P+ B+ Ex S+", "settled"},
      {"extended: CopyFail and Sync", "> P B E* < 1 2 G > f S < E Z(I)", "1 2 G E Z(I)", "P+ B+ Ex S+",
       "settled"},
      {"the COPY does not even open", "> P B E* S d c S < 1 2 E Z(I) Z(I)", "1 2 E Z(I) Z(I)",
       "P+ B+ Ex S+ S+", "settled"},
      {"E8 in a transaction", "> Q < C Z(T) > Q* < G > d < E Z(E) > Q < C Z(I)", "C Z(T) G E Z(E) C Z(I)",
       "Q+ Q+ Q+", "settled"},
  };
  for (const TrackerRow& row : rows) check(row);
}

TEST_CASE("COPY IN fails with Syncs inside: the fence counts those that were answered",
          "[response_tracker][copy]") {
  const TrackerRow rows[] = {
      {"simple, fence due", "> Q* < G > S d < E", "G E", "", "copy? fence!"},
      {"simple, fence under way", "> Q* < G > S d < E > # < Z(I)", "G E Z(I)", "Q+", "fencing"},
      {"simple, 0 of 2", "> Q* < G > S S d < E > # < Z(I) Z(I) 3 Z(I)", "G E Z(I) - - -", "Q+ S+", "settled"},
      {"simple, 1 of 2", "> Q* < G > S d S < E > # < Z(I) Z(I) Z(I) 3 Z(I)", "G E Z(I) - Z(I) - -", "Q+ S+",
       "settled"},
      {"simple, 2 of 2", "> Q* < G > d S S < E > # < Z(I) Z(I) Z(I) Z(I) 3 Z(I)", "G E Z(I) - Z(I) Z(I) - -",
       "Q+ S+", "settled"},
      {"extended, 0 of 1: still skipping for the client", "> P B E* S < 1 2 G > d < E > # < Z(I) 3 Z(I)",
       "1 2 G E - - -", "P+ B+ Ex S+", "skipping unsynced"},
      {"extended, 0 of 1: the client's Sync", "> P B E* S < 1 2 G > d < E > # < Z(I) 3 Z(I) > S < Z(I)",
       "1 2 G E - - - Z(I)", "P+ B+ Ex S+ S+", "settled"},
      {"extended, 1 of 1", "> P B E* < 1 2 G > d S < E > # < Z(I) Z(I) 3 Z(I)", "1 2 G E - Z(I) - -",
       "P+ B+ Ex S+", "settled"},
      {"extended, 0 of 2", "> P B E* S S < 1 2 G > d < E > # < Z(I) 3 Z(I)", "1 2 G E - - -", "P+ B+ Ex S+",
       "skipping unsynced"},
      {"extended, 1 of 2", "> P B E* S < 1 2 G > d S < E > # < Z(I) Z(I) 3 Z(I)", "1 2 G E - Z(I) - -",
       "P+ B+ Ex S+", "settled"},
      {"extended, 2 of 2", "> P B E* d S S < 1 2 G E > # < Z(I) Z(I) Z(I) 3 Z(I)", "1 2 G E - Z(I) Z(I) - -",
       "P+ B+ Ex S+", "settled"},
      {"a Sync behind the end of data as well, 0 of 1", "> P B E* S d c S < 1 2 G E > # < Z(I) Z(I) 3 Z(I)",
       "1 2 G E Z(I) - - -", "P+ B+ Ex S+ S+", "settled"},
      {"a Sync behind the end of data as well, 1 of 1",
       "> P B E* d S c S < 1 2 G E > # < Z(I) Z(I) Z(I) 3 Z(I)", "1 2 G E Z(I) - Z(I) - -", "P+ B+ Ex S+ S+",
       "settled"},
      {"in a transaction", "> Q < C Z(T) > P B E* S < 1 2 G > d < E > # < Z(E) 3 Z(E) > S < Z(E)",
       "C Z(T) 1 2 G E - - - Z(E)", "Q+ P+ B+ Ex S+ S+", "owed"},
      {"CloseComplete before any ReadyForQuery is a violation", "> P B E* S < 1 2 G > d < E > # < 3",
       "1 2 G E !", "P+ B+ Ex", "skipping unsynced fencing"},
  };
  for (const TrackerRow& row : rows) check(row);
}

}  // namespace
}  // namespace pgweir
