#include "config/aws_check.hpp"

#include <algorithm>

namespace pgweir::config {
namespace {

constexpr Millis token_age_max = std::chrono::minutes{15};  // STS takes none that is older
constexpr std::size_t server_id_bytes_max = 128;
constexpr std::size_t secret_name_bytes_max = 2048;  // Secrets Manager API Reference, GetSecretValue
constexpr std::size_t arn_suffix_bytes = 6;

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// The part of an ARN between its colons; 3: the region.
std::string_view arn_part(std::string_view arn, int index) {
  for (; index > 0; --index) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn = arn.substr(colon + 1);
  }
  return arn.substr(0, arn.find(':'));
}

// Secrets Manager takes such a name for an ARN whose end is missing.
bool looks_like_arn_suffix(std::string_view name) {
  if (name.size() <= arn_suffix_bytes || name[name.size() - arn_suffix_bytes - 1] != '-') return false;
  const std::string_view end = name.substr(name.size() - arn_suffix_bytes);
  return std::all_of(end.begin(), end.end(), is_alnum);
}

bool is_verified(const Database& database) {
  return database.tls.mode == TlsMode::verify_full || database.tls.mode == TlsMode::verify_ca;
}

bool may_use(const Database& database, const std::string& user) {
  return database.users.empty() ||
         std::find(database.users.begin(), database.users.end(), user) != database.users.end();
}

class AwsCheck {
 public:
  explicit AwsCheck(const Settings& settings) : settings_(settings), aws_(settings.aws) {}

  std::vector<AwsProblem> run() {
    if (settings_.uses_aws()) check_region();
    if (aws_.timeout.count() == 0)
      report("aws.timeout", "must not be 0: a silent endpoint would block for ever");
    if (aws_.secret_refresh.count() == 0) report("aws.secrets.refresh", "must not be 0");
    bool iam_users = false;
    for (const auto& [name, user] : settings_.users) {
      check_secret(user);
      if (!user.iam_roles.empty()) check_roles(user);
      if (user.clients_need_no_password()) check_server_login(user);
      iam_users = iam_users || !user.iam_roles.empty();
    }
    for (const auto& [name, database] : settings_.databases) {
      if (database.iam && !is_verified(database))
        report(join_path("databases", name) + ".iam",
               "needs tls.mode verify-full or verify-ca: whoever answers is told the token");
    }
    check_client_iam(iam_users);
    return std::move(problems_);
  }

 private:
  void report(std::string path, std::string message, Severity severity = Severity::error) {
    problems_.push_back({std::move(path), std::move(message), severity});
  }

  void check_region() {
    const std::string& region = aws_.region;
    const bool good = !region.empty() && std::all_of(region.begin(), region.end(),
                                                     [](char c) { return is_alnum(c) || c == '-'; });
    if (region.empty())
      report("aws.region", "is missing: the region of secrets and roles; AWS_REGION would do as well");
    else if (!good)
      report("aws.region", '"' + printable(region) + "\" is not a region such as eu-central-1");
  }

  void check_secret(const User& user) {
    const std::string path =
        join_path("users", user.name) + (user.secret.empty() ? ".ssm_parameter" : ".secret");
    const std::string& name = user.secret.empty() ? user.ssm_parameter : user.secret;
    const auto is_bad = [](char c) { return c <= ' ' || c >= 0x7f || c == '"' || c == '\\'; };
    if (name.size() > secret_name_bytes_max || std::any_of(name.begin(), name.end(), is_bad))
      return report(path, "is not a name or ARN");
    if (name.starts_with("arn:")) {
      const std::string_view region = arn_part(name, 3);
      if (!aws_.region.empty() && region != aws_.region)
        report(path, "is in region " + printable(region) + ", and aws.region is " + printable(aws_.region));
    } else if (!user.secret.empty() && looks_like_arn_suffix(name)) {
      report(path,
             "Secrets Manager takes a name that ends like this for a part of an ARN; give the whole ARN",
             Severity::warning);
    }
  }

  void check_roles(const User& user) {
    const std::string path = join_path("users", user.name) + ".iam.roles";
    for (std::size_t i = 0; i < user.iam_roles.size(); ++i) {
      if (is_role_arn(user.iam_roles[i])) continue;
      report(path + '[' + std::to_string(i) + ']',
             "expected arn:aws:iam::ACCOUNT:role/NAME, the name without its path: STS does not tell that");
    }
  }

  // A client's proof does not open the server.
  void check_server_login(const User& user) {
    if (user.has_remote_secret() || !user.password.empty() || !user.scram_verifier.empty()) return;
    for (const auto& [name, database] : settings_.databases) {
      if (database.iam || !may_use(database, user.name)) continue;
      report(join_path("users", user.name),
             "has nothing to log in to the server of " + join_path("databases", name) +
                 " with: give the user a secret, or set iam there",
             Severity::warning);
    }
  }

  void check_client_iam(bool used) {
    if (aws_.max_token_age.count() == 0 || aws_.max_token_age > token_age_max)
      report("aws.iam.max_token_age", "expected more than 0s and at most 15m: STS takes none that is older");
    const std::string& id = aws_.server_id;
    const auto is_bad = [](char c) { return c <= ' ' || c >= 0x7f; };
    if (id.size() > server_id_bytes_max || std::any_of(id.begin(), id.end(), is_bad))
      report("aws.iam.server_id", "expected a name of at most 128 letters, digits and signs, without spaces");
    if (!used) return;
    if (id.empty())
      report("aws.iam.server_id", "is missing: a name of this pgweir, which clients sign their tokens for");
    if (settings_.listen.tls.mode == TlsMode::disable)
      report("listen.tls.mode", "users with iam send their token by TLS only, so none of them could log in");
  }

  const Settings& settings_;
  const Aws& aws_;
  std::vector<AwsProblem> problems_;
};

}  // namespace

bool is_role_arn(std::string_view text) {
  if (arn_part(text, 0) != "arn" || !arn_part(text, 1).starts_with("aws") || arn_part(text, 2) != "iam" ||
      !arn_part(text, 3).empty())
    return false;
  const std::string_view account = arn_part(text, 4);
  const std::string_view role = arn_part(text, 5);
  const std::string_view name = role.substr(std::min<std::size_t>(role.size(), 5));
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_name = [](char c) {
    return is_alnum(c) || std::string_view("+=,.@_-").find(c) != std::string_view::npos;
  };
  return account.size() == 12 && std::all_of(account.begin(), account.end(), is_digit) &&
         role.starts_with("role/") && !name.empty() && std::all_of(name.begin(), name.end(), is_name) &&
         text.ends_with(role);
}

std::vector<AwsProblem> check_aws(const Settings& settings) {
  return AwsCheck(settings).run();
}

}  // namespace pgweir::config
