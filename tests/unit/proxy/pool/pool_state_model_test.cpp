// Random histories of a pool, each step compared with a plain model of it: lists of who is where.
#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <list>
#include <memory>
#include <random>

#include "proxy/pool/pool_state.hpp"

using namespace pgweir;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t steps_per_seed = 25'000;
constexpr unsigned workers = 3;

class Model {
 public:
  explicit Model(unsigned seed) : random_(seed) {}

  void step() {
    now_ += std::chrono::milliseconds(pick(20));
    switch (pick(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        borrow();
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        release();
        break;
      case 8:
      case 9:
        log_in();
        break;
      case 10:
        fail_login();
        break;
      case 11:
        server_closes();
        break;
      case 12:
        give_up_waiting();
        break;
      case 13:
        expire();
        break;
      case 14:
        inspect_idle();
        break;
      default:
        if (pick(20) == 0) reconfigure();
    }
    open_missing();
    check();
  }

  std::size_t grants() const { return grants_; }
  std::size_t logins() const { return logins_; }

 private:
  std::size_t pick(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_);
  }

  // As Pool does: what is idle, or a place in the queue.
  void borrow() {
    const unsigned worker = static_cast<unsigned>(pick(workers));
    PoolMember* const taken = pool_.take_idle(worker);
    REQUIRE(taken == expected_idle(worker));
    if (taken != nullptr) {
      idle_.erase(std::find(idle_.begin(), idle_.end(), taken));
      borrowed_.push_back(taken);
      return;
    }
    waiters_.push_back(std::make_unique<Waiter>());
    waiters_.back()->worker = worker;
    pool_.enqueue(*waiters_.back());
  }

  PoolMember* expected_idle(unsigned worker) const {
    PoolMember* any = nullptr;
    for (PoolMember* const member : idle_) {
      if (member->generation == generation_) any = member;
    }
    const auto own = std::find_if(idle_.rbegin(), idle_.rend(), [&](const PoolMember* m) {
      return m->worker == worker && m->generation == generation_;
    });
    return own != idle_.rend() ? *own : any;
  }

  void release() {
    if (borrowed_.empty()) return;
    const auto at = borrowed_.begin() + static_cast<std::ptrdiff_t>(pick(borrowed_.size()));
    PoolMember* const member = *at;
    borrowed_.erase(at);
    member->worker = static_cast<unsigned>(pick(workers));
    const bool leaves = member->generation != generation_ || now_ >= member->expires_at ||
                        idle_.size() + borrowed_.size() + 1 + opening_ > limits_.max_size;
    REQUIRE(pool_.must_leave(*member, now_).has_value() == leaves);
    if (leaves) {
      pool_.begin_leaving(*member);
      leaving_.push_back(member);
    } else {
      place(*member, false);
    }
  }

  void place(PoolMember& member, bool from_login) {
    Waiter* const granted = pool_.put(member, now_, from_login);
    if (waiters_.empty()) {
      REQUIRE(granted == nullptr);
      REQUIRE(member.idle_since == now_);
      idle_.push_back(&member);
      return;
    }
    REQUIRE(granted == waiters_.front().get());
    REQUIRE(granted->granted == &member);
    waiters_.pop_front();
    borrowed_.push_back(&member);
    ++grants_;
  }

  void log_in() {
    if (opening_ == 0) return;
    --opening_;
    failures_ = 0;
    ++logins_;
    members_.emplace_back();
    PoolMember& member = members_.back();
    member.generation = generation_;
    member.expires_at = now_ + 2s;
    place(member, true);
  }

  void fail_login() {
    if (opening_ == 0) return;
    --opening_;
    ++failures_;
    pool_.open_failed(now_);
    REQUIRE(pool_.retry_at() > now_);
    REQUIRE(pool_.retry_at() <= now_ + login_backoff_max);
  }

  void server_closes() {
    if (leaving_.empty()) return;
    PoolMember* const gone = leaving_.back();
    leaving_.pop_back();
    pool_.closed(*gone);
    members_.remove_if([gone](const PoolMember& m) { return &m == gone; });
  }

  void give_up_waiting() {
    if (waiters_.empty()) return;
    const auto at = waiters_.begin() + static_cast<std::ptrdiff_t>(pick(waiters_.size()));
    pool_.dequeue(**at);
    REQUIRE_FALSE((*at)->queued);
    waiters_.erase(at);
  }

  void expire() {
    std::vector<LeavingMember> taken;
    pool_.take_expired(now_, taken);
    for (const LeavingMember& each : taken) move_from_idle(each.member, leaving_);
    for (const PoolMember* const member : idle_) {
      REQUIRE(member->generation == generation_);
      REQUIRE(now_ < member->expires_at);
    }
  }

  void inspect_idle() {
    std::vector<PoolMember*> taken;
    pool_.take_idle_if([](const PoolMember& m) { return m.worker == 1; }, taken);
    for (PoolMember* const member : taken) move_from_idle(member, borrowed_);
  }

  void move_from_idle(PoolMember* member, std::vector<PoolMember*>& to) {
    const auto at = std::find(idle_.begin(), idle_.end(), member);
    REQUIRE(at != idle_.end());
    idle_.erase(at);
    to.push_back(member);
  }

  void reconfigure() {
    if (pick(2) == 0) {
      pool_.recycle();
      ++generation_;
      return;
    }
    limits_.max_size = 1 + pick(6);
    limits_.min_size = pick(limits_.max_size + 1);
    limits_.max_logins = 1 + pick(3);
    limits_.idle_timeout = pick(2) == 0 ? 0ms : 200ms;
    pool_.set_limits(limits_);
  }

  void open_missing() {
    const std::size_t count = pool_.begin_opening(now_);
    opening_ += count;
    if (count == 0) return;
    REQUIRE(now_ >= pool_.retry_at());
    REQUIRE(total() <= limits_.max_size);
    REQUIRE(opening_ <= (failures_ > 0 ? 1 : limits_.max_logins));
  }

  std::size_t total() const { return idle_.size() + borrowed_.size() + opening_ + leaving_.size(); }

  void check() {
    const PoolCounts counts = pool_.counts();
    REQUIRE(counts.idle == idle_.size());
    REQUIRE(counts.borrowed == borrowed_.size());
    REQUIRE(counts.opening == opening_);
    REQUIRE(counts.leaving == leaving_.size());
    REQUIRE(counts.waiting == waiters_.size());
    // Each member is in exactly one of the lists.
    std::vector<const PoolMember*> places(idle_.begin(), idle_.end());
    places.insert(places.end(), borrowed_.begin(), borrowed_.end());
    places.insert(places.end(), leaving_.begin(), leaving_.end());
    std::sort(places.begin(), places.end());
    REQUIRE(std::adjacent_find(places.begin(), places.end()) == places.end());
    REQUIRE(places.size() == members_.size());
    // Nobody waits beside an idle backend.
    // Backends of an old generation are nobody's: they wait to be replaced.
    const bool old = std::all_of(idle_.begin(), idle_.end(),
                                 [this](const PoolMember* m) { return m->generation != generation_; });
    REQUIRE((old || waiters_.empty()));
    REQUIRE(pool_.oldest_waiter() == (waiters_.empty() ? nullptr : waiters_.front().get()));
    // It never grows while it is over its limit, and nobody is forgotten while there is room.
    REQUIRE((total() <= limits_.max_size || total() <= total_before_));
    total_before_ = total();
    const bool may_open = now_ >= pool_.retry_at() && total() < limits_.max_size && opening_ == 0;
    REQUIRE((!may_open || waiters_.empty()));
  }

  std::mt19937 random_;
  TimePoint now_{1h};
  PoolLimits limits_{1, 4, 2, 200ms};
  PoolState pool_{limits_};
  std::list<PoolMember> members_;
  std::vector<PoolMember*> idle_;
  std::vector<PoolMember*> borrowed_;
  std::vector<PoolMember*> leaving_;
  std::deque<std::unique_ptr<Waiter>> waiters_;
  std::size_t opening_ = 0;
  std::size_t total_before_ = 0;
  std::uint64_t generation_ = 0;
  unsigned failures_ = 0;
  std::size_t grants_ = 0;
  std::size_t logins_ = 0;
};

}  // namespace

TEST_CASE("any history of a pool keeps it within its limits and each backend in one place") {
  const unsigned seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  Model model(seed);
  for (std::size_t i = 0; i < steps_per_seed; ++i) model.step();
  // The history was worth looking at.
  CHECK(model.grants() > 1000);
  CHECK(model.logins() > 200);
}
