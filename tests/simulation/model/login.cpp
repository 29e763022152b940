#include "tests/simulation/model/login.hpp"

#include "protocol/md5_password.hpp"
#include "protocol/startup_options.hpp"
#include "tests/simulation/model/cluster.hpp"
#include "tests/simulation/model/setting_commands.hpp"

namespace pgweir::simulation {
namespace {

using Step = Login::Step;

// Who has no password is asked for one all the same.
bool is_right(const ModelRole& role, LoginMethod method, const std::string& user, std::string_view answer,
              const Md5Salt& salt) {
  if (role.password.empty()) return false;
  if (method == LoginMethod::cleartext) return answer == role.password;
  std::string hash;
  return md5_hash(role.password, user, hash) == Errc::ok &&
         check_md5_response(answer, hash, salt) == Errc::ok;
}

SqlError words_of(LoginRefusal why) {
  switch (why) {
    case LoginRefusal::too_many_clients:
      return {.code = "53300", .message = "sorry, too many clients already"};
    case LoginRefusal::starting_up:
      return {.code = "57P03", .message = "the database system is starting up"};
    case LoginRefusal::shutting_down:
      return {.code = "57P03", .message = "the database system is shutting down"};
    case LoginRefusal::no_hot_standby:
      break;
  }
  return {.code = "57P03",
          .message = "the database system is not accepting connections",
          .detail = "Hot standby mode is disabled."};
}

}  // namespace

Step Login::take(ByteBuffer& input) {
  return asked_password_ ? take_password(input) : take_startup(input);
}

Step Login::take_startup(ByteBuffer& input) {
  std::size_t size = 0;
  if (startup_packet_size(input, size) != Errc::ok) fail("08P01", "invalid length of startup packet");
  if (size == 0 || input.size() < size) return Step::need_more;
  StartupPacket packet;
  const Errc errc = parse_startup_packet(ByteView(input).subspan(4, size - 4), packet);
  input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
  if (errc != Errc::ok) fail("08P01", "invalid startup packet layout");
  if (const auto* const cancel = std::get_if<CancelRequest>(&packet)) {
    s_.cluster.cancel(cancel->pid, cancel->secret);
    return Step::closed;
  }
  if (!std::holds_alternative<StartupMessage>(packet)) {
    s_.out.push_back('N');
    return Step::go_on;
  }
  message_ = std::get<StartupMessage>(std::move(packet));
  if (message_.minor > 0 || !message_.protocol_options.empty())
    write_negotiate_protocol_version(s_.out, 0, message_.protocol_options);
  return authenticate();
}

Step Login::authenticate() {
  if (s_.cluster.login_refusal) throw words_of(*s_.cluster.login_refusal);
  switch (s_.cluster.method_for(message_.user)) {
    case LoginMethod::trust:
      enter();
      return Step::done;
    case LoginMethod::reject:
      fail("28000", "pg_hba.conf rejects connection for host \"127.0.0.1\", user \"" + message_.user +
                        "\", database \"" + message_.database + "\", no encryption");
    case LoginMethod::md5:
      write_authentication_md5(s_.out, salt_);
      break;
    case LoginMethod::cleartext:
      write_authentication_cleartext(s_.out);
  }
  asked_password_ = true;
  return Step::go_on;
}

Step Login::take_password(ByteBuffer& input) {
  if (input.size() < message_header_size) return Step::need_more;
  const std::size_t size = 1 + load_u32(input.data() + 1);
  if (input.size() < size) return Step::need_more;
  const ByteView body = ByteView(input).subspan(message_header_size, size - message_header_size);
  if (input[0] != 'p')
    fail("08P01", "expected password response, got message type " + std::to_string(input[0]));
  std::string_view answer;
  if (parse_password_message(body, answer) != Errc::ok) fail("08P01", "invalid password packet size");
  if (answer.empty()) fail("28P01", "empty password returned by client");
  const ModelRole* const role = s_.cluster.find_role(message_.user);
  const LoginMethod method = s_.cluster.method_for(message_.user);
  if (role == nullptr || !is_right(*role, method, message_.user, answer, salt_))
    fail("28P01", "password authentication failed for user \"" + message_.user + '"');
  input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
  enter();
  return Step::done;
}

void Login::enter() {
  write_authentication_ok(s_.out);
  const ModelRole* const role = s_.cluster.find_role(message_.user);
  if (role == nullptr) fail("28000", "role \"" + message_.user + "\" does not exist");
  if (!role->can_login) fail("28000", "role \"" + message_.user + "\" is not permitted to log in");
  const auto is_full = [&](const std::optional<std::size_t>& most, std::size_t others) {
    return most && !role->superuser && others >= *most;
  };
  if (is_full(role->connections_max, s_.cluster.sessions_of_user(message_.user)))
    fail("53300", "too many connections for role \"" + message_.user + '"');
  if (s_.cluster.find_catalog(message_.database) == nullptr)
    fail("3D000", "database \"" + message_.database + "\" does not exist");
  const ModelDatabase& database = s_.cluster.options_of(message_.database);
  if (!database.allows_connections)
    fail("55000", "database \"" + message_.database + "\" is not currently accepting connections");
  if (is_full(database.connections_max, s_.cluster.sessions_of_database(message_.database)))
    fail("53300", "too many connections for database \"" + message_.database + '"');
  s_.database = message_.database;
  s_.identity.log_in(message_.user);
  if (s_.cluster.default_read_only()) s_.settings.change_boot("default_transaction_read_only", "on");
  s_.settings.set_default("session_authorization", message_.user, SettingSource::boot);
  for (const auto& [name, value] : s_.cluster.defaults(message_.user, message_.database))
    apply(name, value, SettingSource::role);
  std::vector<StartupParameter> options;
  if (parse_startup_options(message_.options, options) != Errc::ok) not_understood(message_.options);
  for (const auto* const list : {&options, &message_.parameters}) {
    for (const StartupParameter& parameter : *list)
      apply(parameter.name, parameter.value, SettingSource::client);
  }
  for (const auto& [name, value] : SettingCommands(s_).reported())
    write_parameter_status(s_.out, name, value);
  ByteBuffer secret(4);
  store_u32(secret.data(), secret_);
  write_backend_key_data(s_.out, s_.pid, secret);
}

// What ALTER ROLE has left behind does not keep anyone out.
void Login::apply(const std::string& name, const std::string& value, SettingSource source) {
  try {
    s_.settings.set_default(name, value, source);
  } catch (SqlError& error) {
    if (source == SettingSource::client) throw;
    error.severity = "WARNING";
    write_notice(s_.out, error);
  }
}

}  // namespace pgweir::simulation
