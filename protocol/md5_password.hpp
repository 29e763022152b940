// PostgreSQL's MD5 password scheme: "md5" + hex(md5(password user)) at rest, and
// "md5" + hex(md5(that hex + salt)) on the wire. Weak, kept for servers that still store such hashes.
// Pure functions: any thread. crypto_failure where libcrypto has no MD5 (FIPS mode).
#pragma once

#include <string>
#include <string_view>

#include "protocol/authentication.hpp"
#include "protocol/errc.hpp"

namespace pgweir {

// "md5" and 32 lower-case hexadecimal digits.
bool is_md5_hash(std::string_view text);

// What PostgreSQL stores in pg_authid.rolpassword.
Errc md5_hash(std::string_view password, std::string_view user, std::string& out);

// What a client answers to AuthenticationMD5Password. `hash` is what md5_hash() makes.
Errc md5_response(std::string_view hash, const Md5Salt& salt, std::string& out);

// Compares in constant time. Returns ok, authentication_failed or crypto_failure. For an unknown user, check
// against the hash of a random password, so that the steps are the same.
Errc check_md5_response(std::string_view response, std::string_view hash, const Md5Salt& salt);

}  // namespace pgweir
