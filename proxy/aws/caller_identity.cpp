#include "proxy/aws/caller_identity.hpp"

#include <algorithm>
#include <utility>

#include "proxy/aws/endpoints.hpp"
#include "proxy/aws/secret_value.hpp"

namespace pgweir::aws {
std::string_view to_string(Verification verification) {
  constexpr std::array<std::string_view, verification_count> names{"verified", "cached",     "malformed",
                                                                   "refused",  "not_mapped", "unavailable"};
  return names[static_cast<std::size_t>(verification)];
}

void CallerIdentity::configure(const config::Aws& settings) {
  // What was verified under other settings is void now.
  if (!(settings_ == settings)) {
    cache_.clear();
    ages_.clear();
  }
  settings_ = settings;
  rules_.region = settings.region;
  rules_.hosts = {regional_host("sts", settings.region)};
  if (!settings.endpoints.sts.empty()) rules_.hosts.push_back(authority_of(settings.endpoints.sts));
  rules_.max_age = std::chrono::duration_cast<std::chrono::seconds>(settings.max_token_age);
}

void CallerIdentity::verify(const std::string& token, Done done) {
  std::string error;
  const Time at = now();
  std::optional<CallerToken> parsed = parse_caller_token(token, rules_, at, error);
  if (!parsed) return done({Verification::malformed, {}, std::move(error)});
  const std::string hash = sha256_hex(token);
  if (const auto known = cache_.find(hash); known != cache_.end() && at < known->second.until) {
    CallerVerdict verdict = known->second.verdict;
    if (verdict.is_known()) verdict.result = Verification::cached;
    return done(verdict);
  }
  if (const auto open = open_.find(hash); open != open_.end()) {
    if (open->second->waiting.size() < waiting_max) return open->second->waiting.push_back(std::move(done));
    return done({Verification::unavailable, {}, "too many wait for STS"});
  }
  if (queue_.size() >= waiting_max) return done({Verification::unavailable, {}, "too many wait for STS"});
  auto question = std::make_shared<Question>();
  question->hash = hash;
  question->token = std::move(*parsed);
  question->waiting.push_back(std::move(done));
  open_.emplace(hash, question);
  if (calls_ >= calls_max) return queue_.push_back(std::move(question));
  ++calls_;
  start(std::move(question));
}

// 8. The request is written from scratch, with the host that was signed, JSON and pgweir's own id. The
// configuration says where it goes.
void CallerIdentity::start(QuestionRef question) {
  ++question->attempts;
  HttpRequest request;
  request.url = endpoint_of(Service::sts, settings_) + "/?" + question->token.query;
  request.headers = {{"Host", question->token.host},
                     {"Accept", "application/json"},
                     {std::string(server_id_header), settings_.server_id}};
  request.timeout = timeout;
  loop_.send(std::move(request), [this, question](HttpReply reply) { take(question, std::move(reply)); });
}

// 9. and 10.
void CallerIdentity::take(QuestionRef question, HttpReply reply) {
  if (reply.status == 0) return finish(question, {Verification::unavailable, {}, "STS: " + reply.error});
  if (reply.status != 200) {
    const CallFailure failure = judge_failure(reply.status, reply.body);
    const bool throttled =
        failure.result == CallResult::throttled || reply.body.find("Throttling") != std::string::npos;
    if (throttled && question->attempts < attempts_max) {
      const auto pause = throttle_pause * (1U << (question->attempts - 1));
      return loop_.after(pause, [this, question] { start(question); });
    }
    const bool refused =
        !throttled && (failure.result == CallResult::denied || failure.result == CallResult::expired);
    return finish(
        question,
        {refused ? Verification::refused : Verification::unavailable, {}, "STS: " + failure.message});
  }
  std::string error;
  std::optional<std::string> role = parse_caller_identity(reply.body, error);
  if (role) return finish(question, {Verification::verified, std::move(*role), {}});
  finish(question, {Verification::unavailable, {}, "STS: " + error});
}

void CallerIdentity::finish(QuestionRef question, CallerVerdict verdict) {
  open_.erase(question->hash);
  if (verdict.result == Verification::verified) keep(question->hash, {verdict, question->token.good_until});
  if (verdict.result == Verification::refused) keep(question->hash, {verdict, now() + refusal_kept});
  for (const Done& done : std::exchange(question->waiting, {})) {
    done(verdict);
    // One call has verified them all.
    if (verdict.result == Verification::verified) verdict.result = Verification::cached;
  }
  if (queue_.empty()) {
    --calls_;
    return;
  }
  QuestionRef next = queue_.front();
  queue_.erase(queue_.begin());
  start(std::move(next));
}

void CallerIdentity::keep(const std::string& hash, Known known) {
  const Time at = now();
  while (!ages_.empty() && (ages_.begin()->first <= at || cache_.size() >= cache_max)) {
    cache_.erase(ages_.begin()->second);
    ages_.erase(ages_.begin());
  }
  if (const auto before = cache_.find(hash); before != cache_.end()) {
    const auto [first, last] = ages_.equal_range(before->second.until);
    const auto age = std::find_if(first, last, [&](const auto& each) { return each.second == hash; });
    if (age != last) ages_.erase(age);
  }
  ages_.emplace(known.until, hash);
  cache_.insert_or_assign(hash, std::move(known));
}

void CallerIdentity::count(Verification result) {
  const std::lock_guard lock(mutex_);
  ++stats_[static_cast<std::size_t>(result)];
}

std::array<std::uint64_t, verification_count> CallerIdentity::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace pgweir::aws
