#include "proxy/state/client_settings.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

// A client that the server has told its parameters.
struct ToldClient {
  void tell(SettingMap parameters) { settings.use_view(interner.intern(std::move(parameters))); }
  void want(SettingMap map) { settings.desired = interner.intern(std::move(map)); }

  Interner interner;
  ClientSettings settings{interner.intern({})};
};

constexpr std::string_view umlaut = "\xc3\xa4";

}  // namespace

TEST_CASE("a text is opaque where a byte of a longer character may look like the end of a string") {
  const auto [encoding, is_opaque] = GENERATE(table<const char*, bool>({
      {"UTF8", false},
      {"LATIN1", false},
      {"EUC_JP", false},
      {"SJIS", true},
      {"BIG5", true},
      {"GB18030", true},
      {"MULE_INTERNAL", true},
  }));
  CAPTURE(encoding);
  ToldClient client;
  client.tell({{"client_encoding", encoding}});
  CHECK(client.settings.is_opaque("select '\x83\x5c'") == is_opaque);
  CHECK_FALSE(client.settings.is_opaque("select 'a\\'"));
}

TEST_CASE("a text with a backslash is opaque where backslashes escape in every string") {
  ToldClient client;
  client.tell({{"client_encoding", "UTF8"}, {"standard_conforming_strings", "off"}});
  CHECK(client.settings.is_opaque("select 'a\\'"));
  CHECK_FALSE(client.settings.is_opaque("select 'a'"));
  client.tell({{"client_encoding", "UTF8"}, {"standard_conforming_strings", "on"}});
  CHECK_FALSE(client.settings.is_opaque("select 'a\\'"));
}

TEST_CASE("texts are read as the parameters say that the client was told last") {
  ToldClient client;
  client.tell({{"client_encoding", "SJIS"}});
  client.tell({{"client_encoding", "UTF8"}});
  CHECK_FALSE(client.settings.is_opaque(umlaut));
  CHECK(client.settings.characters(umlaut) == 1);
  client.tell({{"client_encoding", "SJIS"}});
  CHECK(client.settings.is_opaque(umlaut));
}

TEST_CASE("places in a text are counted in characters of UTF-8, and in bytes of any other encoding") {
  ToldClient client;
  client.tell({{"client_encoding", "UTF8"}});
  CHECK(client.settings.characters("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x98z") == 5);
  client.tell({{"client_encoding", "LATIN1"}});
  CHECK(client.settings.characters("a\xa4z") == 3);
}

TEST_CASE("a name that is not ASCII means what it looks like only where client and server use UTF-8") {
  const auto [of_client, of_server, values, names] = GENERATE(table<const char*, const char*, bool, bool>({
      {"UTF8", "UTF8", true, true},
      {"UTF8", "LATIN1", true, false},
      {"LATIN1", "UTF8", false, false},
      {"LATIN1", "LATIN1", false, false},
  }));
  ToldClient client;
  client.tell({{"client_encoding", of_client}, {"server_encoding", of_server}});
  CHECK(client.settings.text_rules.utf8 == values);
  CHECK(client.settings.text_rules.utf8_names == names);
}

TEST_CASE("a client that has been told nothing yet is not taken to write UTF-8") {
  const ToldClient client;
  CHECK_FALSE(client.settings.text_rules.utf8);
  CHECK(client.settings.characters(umlaut) == umlaut.size());
}

TEST_CASE("unqualified names are temporary where the search_path names the temporary schema in any way") {
  ToldClient client;
  CHECK_FALSE(client.settings.creates_temporary());
  for (const char* const path : {"pg_temp", "public, \"pg_temp\"", "PG_TEMP_3, public"}) {
    client.want({{"search_path", path}});
    CHECK(client.settings.creates_temporary());
  }
  client.want({{"search_path", "\"$user\", public"}, {"application_name", "pg_temp"}});
  CHECK_FALSE(client.settings.creates_temporary());
}

TEST_CASE("an idle_session_timeout is read as the server reads it") {
  struct Case {
    const char* value;
    std::chrono::milliseconds timeout;
  };
  const auto c = GENERATE(values<Case>({{"0", 0ms},
                                        {"250", 250ms},
                                        {" 250 ms ", 250ms},
                                        {"+3s", 3s},
                                        {"1.5 s", 1'500ms},
                                        {"2min", 2min},
                                        {"1h", 1h},
                                        {"1d", 24h},
                                        {"1600us", 2ms},
                                        {"400us", 0ms},
                                        {"1e3", 1s},
                                        {"0x10", 16ms},
                                        {"010", 8ms},
                                        {"08", 8ms},
                                        {".5s", 500ms},
                                        {"-1", 0ms},
                                        {"", 0ms},
                                        {"5 weeks", 0ms},
                                        {"1S", 0ms},
                                        {"0x", 0ms},
                                        {"nan", 0ms},
                                        {"1e40", 0ms},
                                        {"2147483647", 2'147'483'647ms}}));
  CAPTURE(c.value);
  CHECK(idle_timeout_in({{"idle_session_timeout", c.value}}) == c.timeout);
  CHECK(idle_timeout_in({}) == 0ms);
}
