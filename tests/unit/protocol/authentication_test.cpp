#include "protocol/authentication.hpp"

#include "tests/unit/protocol/parser_support.hpp"

using namespace pgweir;
using test::body_of;
using test::for_each_truncation;
using test::literal;

TEST_CASE("authentication messages have the documented bytes") {
  const std::string_view mechanisms[] = {scram_sha_256};
  ByteBuffer ok, md5, sasl, more, final, password, initial, response;
  write_authentication_ok(ok);
  write_authentication_md5(md5, Md5Salt{1, 2, 3, 4});
  write_authentication_sasl(sasl, mechanisms);
  write_authentication_sasl_continue(more, literal("xy"));
  write_authentication_sasl_final(final, literal("z"));
  write_password_message(password, "pw");
  write_sasl_initial_response(initial, "M", literal("xy"));
  write_sasl_response(response, literal("xy"));
  CHECK(ok == literal("R\0\0\0\x08\0\0\0\0"));
  CHECK(md5 == literal("R\0\0\0\x0c\0\0\0\x05\x01\x02\x03\x04"));
  CHECK(sasl == literal("R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"));
  CHECK(more == literal("R\0\0\0\x0a\0\0\0\x0bxy"));
  CHECK(final == literal("R\0\0\0\x09\0\0\0\x0cz"));
  CHECK(password == literal("p\0\0\0\x07pw\0"));
  CHECK(initial == literal("p\0\0\0\x0cM\0\0\0\0\x02xy"));
  CHECK(response == literal("p\0\0\0\x06xy"));
}

TEST_CASE("what a server asks for is understood") {
  struct Case {
    const char* name;
    ByteBuffer body;
    Errc expected;
    AuthenticationKind kind;
  };
  const std::vector<Case> cases = {
      {"ok", literal("\0\0\0\0"), Errc::ok, AuthenticationKind::ok},
      {"cleartext", literal("\0\0\0\x03"), Errc::ok, AuthenticationKind::cleartext_password},
      {"md5", literal("\0\0\0\x05salt"), Errc::ok, AuthenticationKind::md5_password},
      {"sasl", literal("\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"), Errc::ok,
       AuthenticationKind::sasl},
      {"sasl continue", literal("\0\0\0\x0br=x"), Errc::ok, AuthenticationKind::sasl_continue},
      {"gss", literal("\0\0\0\x07"), Errc::ok, AuthenticationKind::gss},
      {"ok with more", literal("\0\0\0\0x"), Errc::trailing_bytes, {}},
      {"md5 with a short salt", literal("\0\0\0\x05sal"), Errc::truncated, {}},
      {"md5 with a long salt", literal("\0\0\0\x05salty"), Errc::trailing_bytes, {}},
      {"sasl without mechanisms' end", literal("\0\0\0\x0aSCRAM-SHA-256\0"), Errc::missing_terminator, {}},
      {"sasl with more behind the end", literal("\0\0\0\x0a\0x"), Errc::trailing_bytes, {}},
      {"crypt, long gone", literal("\0\0\0\x04"), Errc::unsupported, {}},
      {"a number of the future", literal("\0\0\x01\0"), Errc::unsupported, {}},
      {"empty", {}, Errc::truncated, {}},
      {"too long", ByteBuffer(authentication_message_max + 1, 0), Errc::length_out_of_range, {}},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    AuthenticationRequest request;
    REQUIRE(parse_authentication(c.body, request) == c.expected);
    if (c.expected == Errc::ok) CHECK(request.kind == c.kind);
  }
}

TEST_CASE("a mechanism is offered only under its exact name") {
  const ByteBuffer both = literal("\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
  const ByteBuffer plus = literal("\0\0\0\x0aSCRAM-SHA-256-PLUS\0\0");
  AuthenticationRequest request;
  REQUIRE(parse_authentication(both, request) == Errc::ok);
  CHECK(request.offers(scram_sha_256));
  CHECK_FALSE(request.offers(""));
  REQUIRE(parse_authentication(plus, request) == Errc::ok);
  CHECK_FALSE(request.offers(scram_sha_256));
}

TEST_CASE("CVE-2026-6664: the length in SASLInitialResponse must be what is there") {
  struct Case {
    const char* name;
    ByteBuffer body;
    Errc expected;
  };
  const std::vector<Case> cases = {
      {"exact", literal("M\0\0\0\0\x02xy"), Errc::ok},
      {"C07: an unknown mechanism is only a name here", literal("PLAIN\0\0\0\0\0"), Errc::ok},
      {"no data", literal("M\0\xff\xff\xff\xff"), Errc::ok},
      {"no data, and yet some", literal("M\0\xff\xff\xff\xffx"), Errc::trailing_bytes},
      {"one too many", literal("M\0\0\0\0\x03xy"), Errc::truncated},
      {"one too few", literal("M\0\0\0\0\x01xy"), Errc::trailing_bytes},
      {"-2", literal("M\0\xff\xff\xff\xfexy"), Errc::truncated},
      {"two gigabytes", literal("M\0\x7f\xff\xff\xffxy"), Errc::truncated},
      {"the overflowing sum", literal("M\0\xff\xff\xff\xf0xy"), Errc::truncated},
      {"no length", literal("M\0"), Errc::truncated},
      {"no terminator", literal("M"), Errc::missing_terminator},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    SaslInitialResponse out;
    CHECK(parse_sasl_initial_response(c.body, out) == c.expected);
  }
}

TEST_CASE("what we build, we parse") {
  ByteBuffer initial, password;
  write_sasl_initial_response(initial, scram_sha_256, literal("n,,n=,r=x"));
  SaslInitialResponse sasl;
  const ByteBuffer initial_body = body_of(initial);
  REQUIRE(parse_sasl_initial_response(initial_body, sasl) == Errc::ok);
  CHECK(sasl.mechanism == scram_sha_256);
  CHECK(sasl.has_data);
  CHECK(as_text(sasl.data) == "n,,n=,r=x");
  for_each_truncation(initial_body, [](ByteView cut) {
    SaslInitialResponse out;
    CHECK(parse_sasl_initial_response(cut, out) != Errc::ok);
  });

  // M12: PgBouncer crashed at 1024 bytes; tokens of a cloud provider are longer.
  const std::string token(5000, 't');
  write_password_message(password, token);
  const ByteBuffer password_body = body_of(password);
  std::string_view text;
  REQUIRE(parse_password_message(password_body, text) == Errc::ok);
  CHECK(text == token);
  for_each_truncation(literal("pw\0"), [](ByteView cut) {
    std::string_view out;
    CHECK(parse_password_message(cut, out) == Errc::missing_terminator);
  });
  CHECK(parse_password_message(literal("pw\0x"), text) == Errc::trailing_bytes);
}
