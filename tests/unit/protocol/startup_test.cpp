#include "protocol/startup.hpp"

#include <algorithm>
#include <variant>

#include "tests/unit/protocol/parser_support.hpp"

using namespace pgweir;
using test::body_of;
using test::for_each_truncation;
using test::literal;

namespace {

ByteBuffer startup_body(std::uint16_t major, std::uint16_t minor, std::string_view rest) {
  ByteBuffer out;
  Writer(out).u16(major).u16(minor).text(rest);
  return out;
}

template <std::size_t size>
ByteBuffer v3(const char (&rest)[size], std::uint16_t minor = 0) {
  return startup_body(3, minor, std::string_view(rest, size - 1));
}

ByteBuffer cancel_body(std::size_t secret_size) {
  ByteBuffer packet;
  write_cancel_request(packet, 42, ByteBuffer(secret_size, 0xab));
  return body_of(packet, 4);
}

Errc parse(ByteView body) {
  StartupPacket packet;
  return parse_startup_packet(body, packet);
}

StartupMessage message_of(ByteView body) {
  StartupPacket packet;
  REQUIRE(parse_startup_packet(body, packet) == Errc::ok);
  REQUIRE(std::holds_alternative<StartupMessage>(packet));
  return std::get<StartupMessage>(packet);
}

struct Refusal {
  const char* name;
  ByteBuffer body;
  Errc expected;
};

}  // namespace

TEST_CASE("a startup message keeps every parameter, its spelling and the order") {
  const auto m = message_of(
      v3("user\0app\0DateStyle\0ISO\0database\0shop\0options\0-c a=b\0application_name\0\0_pq_.x\0y\0\0", 2));
  CHECK(m.minor == 2);
  CHECK(m.user == "app");
  CHECK(m.database == "shop");
  CHECK(m.options == "-c a=b");
  CHECK_FALSE(m.replication);
  CHECK(m.parameters == std::vector<StartupParameter>{{"DateStyle", "ISO"}, {"application_name", ""}});
  CHECK(m.protocol_options == std::vector<std::string>{"_pq_.x"});
}

TEST_CASE("N7: a missing or empty database is the user's name") {
  CHECK(message_of(v3("user\0app\0\0")).database == "app");
  CHECK(message_of(v3("user\0app\0database\0\0\0")).database == "app");
}

TEST_CASE("CVE-2012-4575: a user name as long as the packet allows is only a long name") {
  const std::string name(9900, 'u');
  ByteBuffer packet;
  write_startup_message(packet, 0, name, "d", {});
  CHECK(message_of(body_of(packet, 4)).user == name);
}

TEST_CASE("requests other than a startup message are told apart") {
  StartupPacket packet;
  REQUIRE(parse_startup_packet(literal("\x04\xd2\x16\x2f"), packet) == Errc::ok);
  CHECK(std::holds_alternative<SslRequest>(packet));
  REQUIRE(parse_startup_packet(literal("\x04\xd2\x16\x30"), packet) == Errc::ok);
  CHECK(std::holds_alternative<GssEncRequest>(packet));
  REQUIRE(parse_startup_packet(literal("\x04\xd2\x16\x2e\0\0\x01\x02wxyz"), packet) == Errc::ok);
  REQUIRE(std::holds_alternative<CancelRequest>(packet));
  CHECK(std::get<CancelRequest>(packet).pid == 0x102);
  CHECK(std::get<CancelRequest>(packet).secret == literal("wxyz"));
}

TEST_CASE("broken startup packets are refused, each for its reason") {
  const std::vector<Refusal> refusals = {
      {"S08: protocol 2.0", startup_body(2, 0, std::string_view("user\0app\0\0", 10)),
       Errc::unsupported_protocol},
      {"S09: protocol 4.0", startup_body(4, 0, std::string_view("user\0app\0\0", 10)),
       Errc::unsupported_protocol},
      {"unknown request code 1234.5681", literal("\x04\xd2\x16\x31"), Errc::unsupported_protocol},
      {"S11: nothing after the length", {}, Errc::truncated},
      {"half a version", literal("\0\x03"), Errc::truncated},
      {"S13: no terminator at all", v3("user\0app\0"), Errc::missing_terminator},
      {"S14: name without value", v3("user\0app\0database\0"), Errc::missing_terminator},
      {"S15: value without NUL", v3("user\0app"), Errc::missing_terminator},
      {"bytes after the terminator", v3("user\0app\0\0x"), Errc::trailing_bytes},
      {"S16: body above the cap", ByteBuffer(startup_body_max + 1, 0), Errc::length_out_of_range},
      {"no parameters", v3("\0"), Errc::no_user},
      {"no user", v3("database\0app\0\0"), Errc::no_user},
      {"empty user", v3("user\0\0\0"), Errc::no_user},
      {"USER is not user", v3("USER\0app\0\0"), Errc::no_user},
      {"S17: two users, PostgreSQL takes the last", v3("user\0app\0user\0postgres\0\0"),
       Errc::duplicate_parameter},
      {"two users, the same", v3("user\0app\0user\0app\0\0"), Errc::duplicate_parameter},
      {"two databases", v3("user\0a\0database\0b\0database\0c\0\0"), Errc::duplicate_parameter},
      {"two options", v3("user\0a\0options\0\0options\0\0\0"), Errc::duplicate_parameter},
      {"two replication", v3("user\0a\0replication\0off\0replication\0on\0\0"), Errc::duplicate_parameter},
      {"N8: one setting in two spellings", v3("user\0a\0DateStyle\0x\0datestyle\0y\0\0"),
       Errc::duplicate_parameter},
      {"two protocol options", v3("user\0a\0_pq_.x\0\0_pq_.x\0\0\0"), Errc::duplicate_parameter},
      {"replication neither boolean nor database", v3("user\0a\0replication\0maybe\0\0"), Errc::bad_startup},
      {"replication o is ambiguous", v3("user\0a\0replication\0o\0\0"), Errc::bad_startup},
      {"replication empty", v3("user\0a\0replication\0\0\0"), Errc::bad_startup},
      {"SSLRequest with a body", literal("\x04\xd2\x16\x2fx"), Errc::trailing_bytes},
      {"GSSENCRequest with a body", literal("\x04\xd2\x16\x30x"), Errc::trailing_bytes},
      {"cancel without pid", literal("\x04\xd2\x16\x2e\0\0"), Errc::truncated},
      {"S27: cancel with a secret too short", cancel_body(3), Errc::length_out_of_range},
      {"S28: cancel with a secret too long", cancel_body(257), Errc::length_out_of_range},
  };
  for (const Refusal& r : refusals) {
    INFO(r.name);
    CHECK(parse(r.body) == r.expected);
  }
}

TEST_CASE("replication follows PostgreSQL's boolean rules") {
  const std::vector<std::pair<std::string, bool>> cases = {
      {"true", true},     {"T", true},    {"yes", true}, {"y", true},      {"on", true}, {"1", true},
      {"database", true}, {"off", false}, {"of", false}, {"FALSE", false}, {"n", false}, {"0", false}};
  for (const auto& [value, expected] : cases) {
    INFO(value);
    ByteBuffer packet;
    const StartupParameter p[] = {{"replication", value}};
    write_startup_message(packet, 0, "u", "d", p);
    CHECK(message_of(body_of(packet, 4)).replication == expected);
  }
}

TEST_CASE("cancel secrets of 4 to 256 bytes are accepted") {
  for (const std::size_t size : {4u, 32u, 256u}) {
    INFO(size);
    StartupPacket packet;
    REQUIRE(parse_startup_packet(cancel_body(size), packet) == Errc::ok);
    CHECK(std::get<CancelRequest>(packet).secret.size() == size);
  }
}

TEST_CASE("every truncation of a startup packet is refused") {
  const ByteBuffer message = v3("user\0app\0database\0shop\0options\0-c a=b\0_pq_.x\0y\0\0");
  for_each_truncation(message, [](ByteView cut) { CHECK(parse(cut) != Errc::ok); });
  for_each_truncation(cancel_body(4), [](ByteView cut) { CHECK(parse(cut) != Errc::ok); });
}

TEST_CASE("one NUL more or less at the end of a startup packet is refused") {
  ByteBuffer body = v3("user\0app\0\0");
  CHECK(parse(body) == Errc::ok);
  body.push_back(0);
  CHECK(parse(body) == Errc::trailing_bytes);
  body.resize(body.size() - 2);
  CHECK(parse(body) == Errc::missing_terminator);
}

TEST_CASE("as many tiny parameters as fit are all kept") {
  ByteBuffer body = startup_body(3, 0, std::string_view("user\0u\0", 7));
  Writer w(body);
  std::size_t count = 0;
  for (; body.size() + 10 < startup_body_max; ++count) w.cstring(std::to_string(count)).cstring("");
  REQUIRE(count > 1500);
  w.u8(0);
  CHECK(message_of(body).parameters.size() == count);
}

TEST_CASE("the packet's size is known from four bytes, and an impossible one from the first bad byte") {
  struct Case {
    const char* name;
    ByteBuffer begun;
    Errc expected;
    std::size_t size;
  };
  const std::vector<Case> cases = {
      {"nothing yet", {}, Errc::ok, 0},
      {"one byte", literal("\0"), Errc::ok, 0},
      {"three bytes", literal("\0\0\x27"), Errc::ok, 0},
      {"smallest", literal("\0\0\0\x08"), Errc::ok, 8},
      {"largest, 10004, as PostgreSQL 15 accepts", literal("\0\0\x27\x14"), Errc::ok, 10004},
      {"with bytes of the body", literal("\0\0\0\x08\x04\xd2"), Errc::ok, 8},
      {"S11: length 0", literal("\0\0\0\0"), Errc::length_out_of_range, 0},
      {"length 7", literal("\0\0\0\x07"), Errc::length_out_of_range, 0},
      {"S16: 10005, one above the cap", literal("\0\0\x27\x15"), Errc::length_out_of_range, 0},
      {"third byte too large already", literal("\0\0\x28"), Errc::length_out_of_range, 0},
      {"second byte too large already", literal("\0\x01"), Errc::length_out_of_range, 0},
      {"negative", literal("\xff\xff\xff\xff"), Errc::length_out_of_range, 0},
      {"S21: TLS ClientHello", literal("\x16"), Errc::length_out_of_range, 0},
      {"S22: HTTP", literal("G"), Errc::length_out_of_range, 0},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    std::size_t size = 99;
    CHECK(startup_packet_size(c.begun, size) == c.expected);
    if (c.expected == Errc::ok) CHECK(size == c.size);
  }
}

TEST_CASE("versions are negotiated as PostgreSQL 18 does") {
  struct Case {
    const char* name;
    std::uint16_t asked;
    std::vector<std::string> options;
    std::uint16_t spoken;
    bool must_tell;
    std::size_t secret_size;
  };
  const std::vector<Case> cases = {
      {"3.0", 0, {}, 0, false, 4},
      {"3.1 is granted silently", 1, {}, 1, false, 4},
      {"S06: 3.2", 2, {}, 2, false, 32},
      {"3.3 goes down to 3.2", 3, {}, 2, true, 32},
      {"S07: 3.9999 with an option", 9999, {"_pq_.x"}, 2, true, 32},
      {"3.0 with an option", 0, {"_pq_.x"}, 0, true, 4},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    StartupMessage m;
    m.minor = c.asked;
    m.protocol_options = c.options;
    CHECK(negotiated_minor(m) == c.spoken);
    CHECK(needs_negotiation(m) == c.must_tell);
    CHECK(cancel_secret_size(negotiated_minor(m)) == c.secret_size);
  }
}

TEST_CASE("a startup message that we build is the one that we parse") {
  const std::vector<StartupParameter> parameters = {{"client_encoding", "UTF8"}, {"application_name", ""}};
  ByteBuffer packet;
  write_startup_message(packet, 2, "app", "shop", parameters);
  std::size_t size = 0;
  REQUIRE(startup_packet_size(packet, size) == Errc::ok);
  CHECK(size == packet.size());
  const auto m = message_of(body_of(packet, 4));
  CHECK(m.minor == 2);
  CHECK(m.user == "app");
  CHECK(m.database == "shop");
  CHECK(m.parameters == parameters);
}

TEST_CASE("messages of the start-up have the documented bytes") {
  struct Case {
    const char* name;
    ByteBuffer made;
    ByteBuffer expected;
  };
  std::vector<Case> cases;
  const auto add = [&cases](const char* name, ByteBuffer expected, auto write) {
    ByteBuffer made;
    write(made);
    cases.push_back({name, std::move(made), std::move(expected)});
  };
  const std::vector<std::string> options = {"_pq_.x", "_pq_.y"};
  add("SSLRequest", literal("\0\0\0\x08\x04\xd2\x16\x2f"), [](ByteBuffer& b) { write_ssl_request(b); });
  add("CancelRequest", literal("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x05wxyz"),
      [](ByteBuffer& b) { write_cancel_request(b, 5, literal("wxyz")); });
  add("Terminate", literal("X\0\0\0\x04"), [](ByteBuffer& b) { write_terminate(b); });
  add("NegotiateProtocolVersion", literal("v\0\0\0\x1a\0\x03\0\x02\0\0\0\x02_pq_.x\0_pq_.y\0"),
      [&](ByteBuffer& b) { write_negotiate_protocol_version(b, 2, options); });
  add("ParameterStatus",
      literal("S\0\0\0\x08"
              "a\0b\0"),
      [](ByteBuffer& b) { write_parameter_status(b, "a", "b"); });
  add("BackendKeyData", literal("K\0\0\0\x0c\0\0\0\x05wxyz"),
      [](ByteBuffer& b) { write_backend_key_data(b, 5, literal("wxyz")); });
  add("ReadyForQuery", literal("Z\0\0\0\x05I"), [](ByteBuffer& b) { write_ready_for_query(b, 'I'); });
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(c.made == c.expected);
  }
}

TEST_CASE("a backend's key of any permitted size is read, others are refused") {
  for (const std::size_t size : {0u, 3u, 4u, 32u, 256u, 257u}) {
    INFO(size);
    ByteBuffer message;
    write_backend_key_data(message, 7, ByteBuffer(size, 1));
    CancelRequest key;
    const bool permitted = size >= 4 && size <= 256;
    CHECK(parse_backend_key_data(body_of(message), key) ==
          (permitted ? Errc::ok : Errc::length_out_of_range));
    if (permitted) CHECK(key.secret.size() == size);
  }
}
