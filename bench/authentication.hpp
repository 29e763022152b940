// The client's side of a login, without a socket: one Authentication* request in, what to answer out.
// Thread rule: one thread. `Credentials` outlives every `Authentication` that refers to it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "protocol/authentication.hpp"
#include "protocol/bytes.hpp"
#include "protocol/scram.hpp"

namespace pgweir::bench {

// One user's name and password, and the keys made from it. A thousand logins meet the same salt, so the
// PBKDF2 of about a millisecond is paid once: otherwise the generator would be measured instead of the
// server.
class Credentials {
 public:
  Credentials(std::string user, std::string password)
      : user_(std::move(user)), password_(std::move(password)) {}

  const std::string& user() const { return user_; }
  const std::string& password() const { return password_; }
  Errc scram_keys(ByteView salt, std::uint32_t iterations, const ScramKeys*& out);

 private:
  static constexpr std::size_t keys_max =
      1024;  // a server that sends a new salt each time must not fill memory

  std::string user_;
  std::string password_;
  std::map<std::pair<ByteBuffer, std::uint32_t>, ScramKeys> keys_;
};

class Authentication {
 public:
  enum class Step { answer, wait, done, failed };

  explicit Authentication(Credentials& credentials) : credentials_(credentials) {}

  // `body`: of one AuthenticationXxx message. answer: send what was appended to `reply`; wait: for the next
  // message; failed: problem() says why.
  Step on_request(ByteView body, ByteBuffer& reply);
  const std::string& problem() const { return problem_; }

 private:
  Step start_scram(ByteBuffer& reply);
  Step continue_scram(ByteView data, ByteBuffer& reply);
  Step answer_md5(const Md5Salt& salt, ByteBuffer& reply);
  Step fail(std::string problem);

  Credentials& credentials_;
  std::optional<ScramClient> scram_;
  std::string problem_;
};

}  // namespace pgweir::bench
