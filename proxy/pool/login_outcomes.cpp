#include "proxy/pool/login_outcomes.hpp"

namespace pgweir {

void LoginOutcomes::succeeded() {
  record_ = LoginRecord::reached;
  refusal_.reset();
  trouble_.reset();
}

bool LoginOutcomes::failed(const ServerRefusal& refusal, unsigned failures_in_a_row, TimePoint now) {
  if (record_ == LoginRecord::untried) record_ = LoginRecord::failed;
  if (refusal.permanent) {
    refusal_ = refusal;
    refused_at_ = now;
  }
  if (!trouble_) trouble_.emplace().since = now;
  trouble_->last_try = now;
  trouble_->result = refusal.result;
  trouble_->message = refusal.message;
  return log_.wants_line(failures_in_a_row, now);
}

void LoginOutcomes::forget_old_refusal(TimePoint now) {
  if (refusal_ && now - refused_at_ >= refusal_age_max) refusal_.reset();
}

void LoginOutcomes::other_password() {
  refusal_.reset();
  trouble_.reset();
}

void LoginOutcomes::other_server() {
  other_password();
  record_ = LoginRecord::untried;
}

}  // namespace pgweir
