#include "protocol/md5_password.hpp"

#include "tests/unit/protocol/parser_support.hpp"

using namespace pgweir;

namespace {
// pg_authid.rolpassword of a role `old` with password `pencil`, made by PostgreSQL 15.
constexpr std::string_view stored = "md5b15721e6326bc6e9a7c72a38963ec03d";
constexpr Md5Salt salt = {0x01, 0x02, 0x00, 0xff};
}  // namespace

TEST_CASE("the hash at rest is the one that PostgreSQL stores") {
  std::string hash;
  REQUIRE(md5_hash("pencil", "old", hash) == Errc::ok);
  CHECK(hash == stored);
  CHECK(is_md5_hash(hash));
}

TEST_CASE("a client that knows the password passes, and only with the right salt") {
  std::string response;
  REQUIRE(md5_response(stored, salt, response) == Errc::ok);
  CHECK(response == "md578e5d7b0a3e89fd5c0ed31b2bd79e66f");
  CHECK(check_md5_response(response, stored, salt) == Errc::ok);
  CHECK(check_md5_response(response, stored, Md5Salt{1, 2, 0, 0xfe}) == Errc::authentication_failed);
}

TEST_CASE("wrong md5 responses fail") {
  std::string right;
  REQUIRE(md5_response(stored, salt, right) == Errc::ok);
  test::for_each_truncation(as_bytes(right), [](ByteView cut) {
    CHECK(check_md5_response(as_text(cut), stored, salt) == Errc::authentication_failed);
  });
  for (std::size_t i = 0; i < right.size(); ++i) {
    std::string wrong = right;
    wrong[i] = static_cast<char>(wrong[i] ^ 1);
    INFO("byte " << i << " changed");
    CHECK(check_md5_response(wrong, stored, salt) == Errc::authentication_failed);
  }
  CHECK(check_md5_response(right + "0", stored, salt) == Errc::authentication_failed);
  CHECK(check_md5_response(stored, stored, salt) == Errc::authentication_failed);
}

TEST_CASE("a hash that is none never matches") {
  const std::vector<std::string> hashes = {"",
                                           "md5",
                                           "pencil",
                                           "md5B15721E6326BC6E9A7C72A38963EC03D",
                                           "md4b15721e6326bc6e9a7c72a38963ec03d",
                                           std::string(stored) + "0"};
  for (const std::string& hash : hashes) {
    INFO(hash);
    std::string response;
    CHECK_FALSE(is_md5_hash(hash));
    CHECK(md5_response(hash, salt, response) == Errc::authentication_failed);
    CHECK(check_md5_response("", hash, salt) == Errc::authentication_failed);
  }
}

TEST_CASE("M12: long passwords are hashed whole") {
  std::string a, b;
  REQUIRE(md5_hash(std::string(5000, 'x') + "1", "u", a) == Errc::ok);
  REQUIRE(md5_hash(std::string(5000, 'x') + "2", "u", b) == Errc::ok);
  CHECK(a != b);
}
