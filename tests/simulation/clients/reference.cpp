#include "tests/simulation/clients/reference.hpp"

#include <algorithm>

namespace pgweir::simulation {
namespace {

// Nothing that a client sends here waits more often.
constexpr int waits_max = 1'000;

}  // namespace

Reference::Reference(void (*set_up)(ModelCluster&)) {
  set_up(cluster_);
  session_ = std::make_unique<ModelSession>(cluster_, 1, 1);
}

std::vector<Message> Reference::answer(const ByteBuffer& bytes) {
  return answer(bytes, false);
}

std::vector<Message> Reference::answer_canceled(const ByteBuffer& bytes) {
  return answer(bytes, true);
}

std::vector<Message> Reference::answer(const ByteBuffer& bytes, bool is_canceled) {
  session_->receive(bytes);
  session_->advance(now_);
  for (int waits = 0; waits < waits_max; ++waits) {
    if (is_canceled && session_->is_waiting()) {
      session_->cancel(false);
      is_canceled = false;
      session_->advance(now_);
    }
    const auto at = session_->wakes_at();
    if (!at) break;
    now_ = std::max(now_, *at);
    session_->advance(now_);
  }
  const ByteBuffer output = session_->take_output();
  stream_.insert(stream_.end(), output.begin(), output.end());
  return take_messages(stream_);
}

}  // namespace pgweir::simulation
