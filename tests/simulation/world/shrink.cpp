#include "tests/simulation/world/shrink.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "tests/simulation/clients/client_habits.hpp"

namespace pgweir::simulation {
namespace {

// What went wrong, without the numbers of this run.
std::string kind_of(const std::string& failure) {
  std::string kind;
  for (const char c : failure.substr(0, failure.find('\n'))) {
    if ((c < '0' || c > '9') && c != '-') kind += c;
  }
  return kind.substr(0, 48);
}

class Shrinking {
 public:
  Shrinking(const Plan& plan, const Outcome& failed, int most, const std::function<Outcome(const Plan&)>& run,
            const std::function<void(const Plan&, const Outcome&)>& progress)
      : plan_(plan), failed_(failed), left_(most), run_(run), progress_(progress) {}

  // Again and again, as what could not be left out at first may be later.
  Plan best() {
    bool is_smaller = true;
    while (is_smaller && left_ > 0) {
      is_smaller = cut_time();
      is_smaller |= leave_clients_out();
      is_smaller |= leave_values_out();
      is_smaller |= leave_statements_out();
      is_smaller |= halve_batches();
    }
    return plan_;
  }

 private:
  bool try_plan(const Plan& plan) {
    if (left_-- <= 0) return false;
    const Outcome outcome = run_(plan);
    if (kind_of(outcome.failure) != kind_of(failed_.failure)) return false;
    plan_ = plan;
    failed_ = outcome;
    progress_(plan_, failed_);
    return true;
  }
  bool try_value(double Plan::*value, double then) {
    if (plan_.*value == then) return false;
    Plan plan = plan_;
    plan.*value = then;
    return try_plan(plan);
  }
  bool try_bit(double Plan::*value, unsigned bit) {
    const auto bits = static_cast<std::uint64_t>(plan_.*value);
    return try_value(value, static_cast<double>(bits | std::uint64_t{1} << bit));
  }

  bool cut_time() {
    const double failed_at = std::chrono::duration<double>(failed_.simulated).count();
    bool is_smaller = failed_at < plan_.seconds && try_value(&Plan::seconds, failed_at);
    while (left_ > 0 && try_value(&Plan::seconds, plan_.seconds / 2)) is_smaller = true;
    return is_smaller;
  }
  bool leave_clients_out() {
    bool is_smaller = false;
    for (int i = 1; i <= static_cast<int>(plan_.clients); ++i) {
      if (plan_.has_client(i)) is_smaller |= try_bit(&Plan::without_clients, static_cast<unsigned>(i));
    }
    return is_smaller;
  }
  bool leave_values_out() {
    bool is_smaller = false;
    for (const PlanValue& each : plan_values()) {
      const bool is_apart = each.value == &Plan::seconds || each.value == &Plan::clients ||
                            each.value == &Plan::without_clients || each.value == &Plan::without_statements ||
                            each.value == &Plan::batches;
      if (!is_apart) is_smaller |= try_value(each.value, each.harmless);
    }
    return is_smaller;
  }
  bool leave_statements_out() {
    bool is_smaller = false;
    for (unsigned kind = 0; kind < statement_kinds; ++kind)
      is_smaller |= try_bit(&Plan::without_statements, kind);
    return is_smaller;
  }
  bool halve_batches() {
    bool is_smaller = false;
    double most = std::min(plan_.batches, static_cast<double>(failed_.batches));
    while (left_ > 0 && most >= 2 && try_value(&Plan::batches, most)) {
      is_smaller = true;
      most = std::min(most, static_cast<double>(failed_.batches)) / 2;
    }
    return is_smaller;
  }

  Plan plan_;
  Outcome failed_;
  int left_;
  const std::function<Outcome(const Plan&)>& run_;
  const std::function<void(const Plan&, const Outcome&)>& progress_;
};

}  // namespace

Plan shrink(const Plan& plan, const Outcome& failed, int most, const std::function<Outcome(const Plan&)>& run,
            const std::function<void(const Plan&, const Outcome&)>& progress) {
  return Shrinking(plan, failed, most, run, progress).best();
}

}  // namespace pgweir::simulation
