#include "proxy/dashboard/diagnosis.hpp"

#include <algorithm>
#include <numeric>

#include "proxy/base/time_text.hpp"

namespace pgweir {
namespace {

using Seconds = std::chrono::duration<double>;

std::string count_text(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + ' ' + std::string(count == 1 ? one : many);
}

std::string connections(std::uint64_t count) {
  return count_text(count, "server connection", "server connections");
}

std::string time_text(const DiagnosisInput& in, TimePoint at) {
  return clock_text(in.wall + std::chrono::duration_cast<std::chrono::system_clock::duration>(at - in.now));
}

Seconds longest_wait(const DiagnosisInput& in) {
  return in.pool.longest_wait ? Seconds(in.now - *in.pool.longest_wait) : Seconds(0);
}

// Empty: no client waits.
std::string waiters_text(const DiagnosisInput& in) {
  const std::size_t waiting = in.pool.counts.waiting;
  if (waiting == 0) return {};
  return "; " + count_text(waiting, "client waits", "clients wait") + ", the longest for " +
         duration_text(longest_wait(in));
}

// A session that is pinned for two reasons counts for both. In session mode all are; holders_text() says so.
std::string pins_text(const PoolFacts& pool) {
  std::string text;
  for (std::size_t i = 0; i < pin_count; ++i) {
    const Pin pin = static_cast<Pin>(i);
    if (pool.pinned[i] == 0 || pin == Pin::session_mode) continue;
    const std::string count = std::to_string(pool.pinned[i]);
    text += text.empty() ? "; " + count + " of them pinned" : ", " + count;
    text += " by " + std::string(text_of(pin).name);
  }
  return text;
}

std::string lent_text(const PoolFacts& pool) {
  const std::size_t max = pool.settings->max_size;
  const PoolCounts& counts = pool.counts;
  std::string text;
  if (counts.borrowed > max) {
    text = connections(counts.borrowed) + " are lent out, and the limit is " + std::to_string(max) + " now";
  } else if (counts.borrowed == max) {
    text = max == 1 ? "the only server connection is lent out" : "all " + connections(max) + " are lent out";
  } else {
    text = std::to_string(counts.borrowed) + " of " + connections(max) + " " +
           (counts.borrowed == 1 ? "is" : "are") + " lent out";
  }
  const auto also = [&](std::size_t count, std::string_view what) {
    if (count > 0)
      text += ", " + std::to_string(count) + (count == 1 ? " is being " : " are being ") + std::string(what);
  };
  also(counts.opening, "opened");
  also(counts.leaving, "closed");
  return text;
}

// What keeps them lent, as far as the last minute shows it.
std::string holders_text(const DiagnosisInput& in) {
  const PoolFacts& pool = in.pool;
  if (pool.counts.borrowed < pool.settings->max_size) return {};
  if (pool.settings->mode == config::PoolMode::session)
    return "; each client keeps its own (pool.mode is session)";
  const std::uint64_t pinned = std::accumulate(pool.pinned.begin(), pool.pinned.end(), std::uint64_t{0});
  if (pinned >= pool.counts.borrowed) return {};
  // While nothing moves, how it went before says nothing.
  if (in.transactions_per_second == 0.0) return "; no transaction has ended within the last ten seconds";
  const std::optional<double> transaction = in.last_minute.transaction.percentile(0.5);
  if (!transaction) return {};
  std::string text = "; half of all transactions take longer than " + duration_text(Seconds(*transaction));
  // Both are medians of powers of two, so a small factor says nothing.
  constexpr double notable_factor = 4;
  const std::optional<double> query = in.last_minute.query.percentile(0.5);
  if (query && *transaction > notable_factor * *query)
    text += ", their queries " + duration_text(Seconds(*query)) + ": clients hold them between queries";
  return text;
}

Diagnosis waiting(const DiagnosisInput& in) {
  const bool long_enough = longest_wait(in) >= saturated_wait;
  return {long_enough ? PoolCondition::saturated : PoolCondition::burst,
          "waiting: " + lent_text(in.pool) + pins_text(in.pool) + holders_text(in)};
}

std::string trouble_text(const DiagnosisInput& in, const LoginTrouble& trouble, bool has_connections) {
  const bool refused = trouble.result == BackendLoginResult::refused;
  const bool is_old = in.now - trouble.last_try > login_try_gap + in.pool.settings->connect_timeout;
  std::string text;
  if (is_old) {
    text = (refused ? "the server refused the last login, at "
                    : "the server could not be reached when last tried, at ") +
           time_text(in, trouble.last_try);
  } else {
    const std::string_view what = !refused          ? "the server cannot be reached"
                                  : has_connections ? "the server lets no further connection in"
                                                    : "the server refuses logins";
    text = std::string(what) + " since " + time_text(in, trouble.since) + " (" +
           duration_text(Seconds(in.now - trouble.since)) + ")";
  }
  return text + ": " + trouble.message;
}

Diagnosis no_login(const DiagnosisInput& in, const LoginTrouble& trouble) {
  const PoolCounts& counts = in.pool.counts;
  const std::size_t open = counts.borrowed + counts.idle;
  Diagnosis diagnosis{PoolCondition::limited, trouble_text(in, trouble, open > 0)};
  const bool wanted = counts.waiting > 0 || in.pool.settings->min_size > 0 || !in.pool.refusal.empty();
  if (open == 0 && wanted) diagnosis.condition = PoolCondition::down;
  if (open > 0 && longest_wait(in) >= saturated_wait) diagnosis.condition = PoolCondition::saturated;
  if (open > 0)
    diagnosis.text += "; " + std::to_string(open) + " of " + connections(in.pool.settings->max_size) + " " +
                      (open == 1 ? "is" : "are") + " open";
  diagnosis.text += waiters_text(in);
  return diagnosis;
}

Diagnosis calm(const DiagnosisInput& in) {
  const std::optional<double> wait = in.last_minute.borrow_wait.percentile(0.99);
  if (wait && Seconds(*wait) >= notable_wait) {
    return {PoolCondition::waited,
            "nobody waits now; within the last minute one in a hundred waited longer than " +
                duration_text(Seconds(*wait))};
  }
  if (!in.had_queries && in.pool.counts.borrowed == 0) {
    return {PoolCondition::idle, in.pool.clients == 0
                                     ? "idle: no client is connected"
                                     : "idle: " + count_text(in.pool.clients, "client is", "clients are") +
                                           " connected, none at work"};
  }
  return {PoolCondition::ok, "ok: nobody waits; " + lent_text(in.pool) + pins_text(in.pool)};
}

}  // namespace

std::string_view to_string(PoolCondition condition) {
  switch (condition) {
    case PoolCondition::down:
      return "down";
    case PoolCondition::saturated:
      return "saturated";
    case PoolCondition::limited:
      return "limited";
    case PoolCondition::paused:
      return "paused";
    case PoolCondition::burst:
      return "burst";
    case PoolCondition::disabled:
      return "disabled";
    case PoolCondition::waited:
      return "waited";
    case PoolCondition::ok:
      return "ok";
    case PoolCondition::idle:
      return "idle";
    case PoolCondition::retired:
      return "retired";
  }
  return "unknown";
}

Diagnosis diagnose(const DiagnosisInput& in) {
  const PoolFacts& pool = in.pool;
  if (pool.retired) {
    return {
        PoolCondition::retired,
        "no longer configured; " + count_text(pool.clients, "client is", "clients are") + " still connected"};
  }
  // A pause explains all else: no login is tried meanwhile.
  if (pool.paused) return {PoolCondition::paused, "paused by an operator, until RESUME" + waiters_text(in)};
  if (pool.login_trouble) return no_login(in, *pool.login_trouble);
  if (pool.counts.waiting > 0) return waiting(in);
  if (in.disabled)
    return {PoolCondition::disabled, "disabled by an operator: no new client is let in, until ENABLE"};
  return calm(in);
}

}  // namespace pgweir
