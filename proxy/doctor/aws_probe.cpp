#include "proxy/doctor/aws_probe.hpp"

#include <algorithm>

#include "config/environment.hpp"
#include "proxy/aws/json.hpp"

namespace pgweir::doctor {
namespace {

using namespace std::chrono_literals;

// A call may take its timeout twice, and the search for credentials before it may take as long each time.
constexpr int timeouts_in_a_call = 4;
constexpr auto more_patience = 3s;

constexpr std::chrono::seconds signature_lifetime{60};

aws::Time now() {
  return std::chrono::system_clock::now();
}

aws::CallFailure failure_of(const aws::HttpReply& reply) {
  if (reply.status == 0) return {aws::CallResult::unreachable, reply.error};
  if (reply.status != 200) return aws::judge_failure(reply.status, reply.body);
  return {aws::CallResult::ok, {}};
}

// arn:aws:sts::123456789012:assumed-role/ROLE/SESSION, or :user/NAME.
void take_apart(const std::string& arn, Identity& identity) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= arn.size();) {
    const std::size_t end = std::min(arn.find_first_of(":/", at), arn.size());
    parts.push_back(arn.substr(at, end - at));
    at = end + 1;
  }
  if (parts.size() < 7 || parts[0] != "arn") return;
  identity.arn = arn;
  identity.partition = parts[1];
  identity.account = parts[4];
  identity.role = parts.back();
  identity.is_user = parts[5] == "user";
  if (!identity.is_user) identity.role = parts[6];
}

void take_identity(const std::string& body, Identity& identity) {
  std::string error;
  const auto document = aws::parse_json(body, error);
  const nlohmann::json* at = document ? &*document : nullptr;
  for (const char* const name : {"GetCallerIdentityResponse", "GetCallerIdentityResult"})
    at = at == nullptr ? nullptr : aws::member(*at, name);
  if (at != nullptr) take_apart(aws::text_at(*at, "Arn"), identity);
}

}  // namespace

bool signs_requests(const config::Settings& settings) {
  const auto& databases = settings.databases;
  const auto& users = settings.users;
  return std::any_of(databases.begin(), databases.end(), [](const auto& each) { return each.second.iam; }) ||
         std::any_of(users.begin(), users.end(),
                     [](const auto& each) { return each.second.has_remote_secret(); });
}

AwsProbe::AwsProbe(const config::Aws& settings)
    : settings_(settings), chain_(loop_, config::process_environment()), client_(loop_, chain_) {
  loop_.post([this] {
    loop_.trust(settings_.ca_file);
    chain_.configure(settings_);
    client_.configure(settings_);
  });
}

template <class Answer>
Answer AwsProbe::wait_for(std::function<void(std::function<void(Answer)>)> ask, Answer late) {
  auto promise = std::make_shared<std::promise<Answer>>();
  std::future<Answer> answer = promise->get_future();
  loop_.post([ask = std::move(ask), promise] {
    ask([promise](Answer given) { promise->set_value(std::move(given)); });
  });
  const auto patience = timeouts_in_a_call * settings_.timeout + more_patience;
  return answer.wait_for(patience) == std::future_status::ready ? answer.get() : std::move(late);
}

aws::HttpReply AwsProbe::fetch(aws::HttpRequest request) {
  aws::HttpReply late;
  late.error = "no answer in time";
  return wait_for<aws::HttpReply>(
      [this, request = std::move(request)](const auto& done) { loop_.send(request, done); }, std::move(late));
}

const AwsProbe::Signer& AwsProbe::signer() {
  if (!signer_) {
    signer_ = wait_for<Signer>(
        [this](const auto& done) {
          chain_.get([done](const aws::CredentialsRef& found, const std::string& error) {
            done({found, error});
          });
        },
        {nullptr, "no credentials were found in time"});
  }
  return *signer_;
}

const Identity& AwsProbe::identity() {
  if (identity_) return *identity_;
  identity_.emplace();
  identity_->answer = {"sts GetCallerIdentity", {aws::CallResult::no_credentials, signer().error}, now()};
  if (!signer().credentials) return *identity_;
  const std::string endpoint = aws::endpoint_of(aws::Service::sts, settings_);
  aws::Signable signable;
  signable.query = {{"Action", "GetCallerIdentity"}, {"Version", "2011-06-15"}};
  signable.headers = {{"host", aws::authority_of(endpoint)}};
  aws::HttpRequest request;
  request.url =
      endpoint + "/?" +
      aws::presign(signable, {settings_.region, "sts"}, *signer().credentials, now(), signature_lifetime);
  request.headers = {{"Host", aws::authority_of(endpoint)}, {"Accept", "application/json"}};
  request.timeout = settings_.timeout;
  const aws::HttpReply reply = fetch(std::move(request));
  identity_->answer = {"sts GetCallerIdentity", failure_of(reply), now(), reply.date};
  if (identity_->answer.is_ok()) take_identity(reply.body, *identity_);
  return *identity_;
}

const SecretReading& AwsProbe::read(const config::User& user, const std::string& stage) {
  const bool is_parameter = user.secret.empty();
  const std::string& name = is_parameter ? user.ssm_parameter : user.secret;
  const auto [found, is_new] = readings_.try_emplace((is_parameter ? "parameter " : stage + " ") + name);
  SecretReading& reading = found->second;
  if (!is_new) return reading;
  reading.name = name;
  reading.is_parameter = is_parameter;
  const aws::Service service = is_parameter ? aws::Service::ssm : aws::Service::secretsmanager;
  const std::string target = is_parameter ? "AmazonSSM.GetParameter" : "secretsmanager.GetSecretValue";
  const nlohmann::json body = is_parameter ? nlohmann::json{{"Name", name}, {"WithDecryption", true}}
                                           : nlohmann::json{{"SecretId", name}, {"VersionStage", stage}};
  aws::CallReply late;
  late.failure = {aws::CallResult::unreachable, "no answer in time"};
  const aws::CallReply reply =
      wait_for<aws::CallReply>([this, service, target, text = body.dump()](
                                   const auto& done) { client_.call(service, target, text, done); },
                               std::move(late));
  const std::string action = target.substr(target.find('.') + 1);
  reading.answer = {std::string(aws::name_of(service)) + " " + action + " " + name, reply.failure, now(),
                    reply.http.date};
  if (reading.answer.is_ok())
    reading.version = is_parameter ? aws::parse_parameter(reply.http.body, reading.unusable)
                                   : aws::parse_secret_value(reply.http.body, reading.unusable);
  return reading;
}

}  // namespace pgweir::doctor
