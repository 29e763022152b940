#include "proxy/process/drain.hpp"

#include <algorithm>

#include "proxy/base/log.hpp"
#include "proxy/process/services.hpp"
#include "proxy/worker/worker.hpp"

namespace pgweir {

void Drain::begin(const config::Settings& settings, std::shared_ptr<Listener> listener) {
  if (begun_) return;
  begun_ = true;
  listener_ = std::move(listener);
  timeouts_ = settings.timeouts;
  rate_ = settings.listen.drain_rate;
  begun_at_ = Clock::now();
  if (timeouts_.drain.count() > 0) deadline_ = begun_at_ + timeouts_.drain;
  log::info("draining", {{"clients", std::to_string(services_.sessions.count())},
                         {"accept_ms", std::to_string(timeouts_.drain_accept_grace.count())},
                         {"deadline_ms", std::to_string(timeouts_.drain.count())}});
  auto grace = timeouts_.drain_accept_grace;
  if (settings.listen.reuse_port) grace = std::max<config::Millis>(grace, takeover_grace);
  wait(std::min(begun_at_ + grace, deadline_), &Drain::end_accepting);
}

void Drain::wait_for_clients(std::shared_ptr<Listener> listener) {
  if (begun_) return;
  begun_ = true;
  listener->stop();
  wait_until_clients_gone();
}

// Otherwise the console session of the operator who waits would itself be waited for. The answer to the
// operator goes out first.
void Drain::wait_until_clients_gone() {
  timer_.expires_after(poll);
  timer_.async_wait([this](boost::system::error_code ec) {
    if (ec) return;
    if (services_.clients() == 0) return stop_();
    wait_until_clients_gone();
  });
}

void Drain::wait(TimePoint until, void (Drain::*then)()) {
  if (Clock::now() >= until) return (this->*then)();
  timer_.expires_at(until);
  timer_.async_wait([this, then](boost::system::error_code ec) {
    if (!ec) (this->*then)();
  });
}

void Drain::end_accepting() {
  services_.workers.shared.draining = true;
  listener_->stop();
  end_clients();
}

// The pace is fast enough to tell all clients in time, however low the rate.
void Drain::end_clients() {
  const std::size_t clients = services_.sessions.count();
  double per_second = rate_;
  if (deadline_ != TimePoint::max()) {
    const double left = std::chrono::duration<double>(tell_at() - Clock::now()).count();
    if (left > 0) per_second = std::max(per_second, static_cast<double>(clients) / (left * 0.8));
  }
  const double ticks = 1.0 / std::chrono::duration<double>(janitor_interval).count();
  const double workers = static_cast<double>(services_.workers.list.size());
  const auto per_tick = static_cast<std::size_t>(per_second / ticks / workers) + 1;
  for (const auto& each : services_.sessions.all()) each->begin_drain(rate_ == 0 ? clients + 1 : per_tick);
  wait_until_empty();
}

TimePoint Drain::tell_at() const {
  return deadline_ - std::min<Clock::duration>(last_words, timeouts_.drain / 10);
}

void Drain::tell_the_rest() {
  told_ = true;
  log::warning("drain_deadline", {{"clients", std::to_string(services_.sessions.count())}});
  for (const auto& each : services_.sessions.all()) each->end_drain();
}

void Drain::wait_until_empty() {
  const bool has_deadline = deadline_ != TimePoint::max();
  if (services_.sessions.count() == 0 || (has_deadline && Clock::now() >= deadline_)) return stop_();
  if (has_deadline && !told_ && Clock::now() >= tell_at()) tell_the_rest();
  timer_.expires_after(poll);
  timer_.async_wait([this](boost::system::error_code ec) {
    if (!ec) wait_until_empty();
  });
}

}  // namespace pgweir
