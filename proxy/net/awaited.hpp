// A result that something outside of the coroutine brings, later and on the worker's own thread: a resolver,
// or a thread for slow jobs. Either side may end first without knowing of the other.
//
//   Awaited<int> number(waker);
//   start([giver = number.giver()] { giver(7); });
//   while (!number.has_value()) co_await waker.wait();
#pragma once

#include <memory>
#include <optional>

#include "proxy/net/readiness.hpp"

namespace pgweir {

template <class T>
class Awaited {
  struct State {
    std::optional<T> value;
    Waker* waiting;  // null once the wait is over
  };

 public:
  // Any thread may destroy it; only the worker's may call it.
  class Giver {
   public:
    explicit Giver(std::shared_ptr<State> state) : state_(std::move(state)) {}
    void operator()(T value) const {
      state_->value.emplace(std::move(value));
      if (state_->waiting != nullptr) state_->waiting->wake();
    }

   private:
    std::shared_ptr<State> state_;
  };

  explicit Awaited(Waker& waker) : state_(std::make_shared<State>(State{{}, &waker})) {}
  ~Awaited() { state_->waiting = nullptr; }
  Awaited(const Awaited&) = delete;
  Awaited& operator=(const Awaited&) = delete;

  Giver giver() const { return Giver(state_); }
  bool has_value() const { return state_->value.has_value(); }
  const T& operator*() const { return *state_->value; }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace pgweir
