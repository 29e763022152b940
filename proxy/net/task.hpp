// A coroutine of one worker.
//
//   Task<bool> login();          begins when it is awaited; its result or its exception is the awaiter's
//   co_await waker.wait();       the only way to sleep, see readiness.hpp
//   spawn(worker, run(...));     nobody waits for it, see spawn.hpp
//
// Not Asio's awaitable: that keeps a frame and an executor of its own for each coroutine that is spawned, and
// allocates for each wait, which together is a fifth of what an idle client costs. Here a wait is a
// std::coroutine_handle in a Waker.
//
// Thread rule: begins, runs and dies on its worker's thread. Destroying a Task destroys the coroutine where
// it sleeps, and with it whatever it awaits.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace pgweir {

// The coroutines of a worker that nobody waits for.
class TaskList;

namespace task_detail {

template <class P>
struct Final;

// What all promises have.
class Promise {
 public:
  std::suspend_always initial_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  void set_awaiter(std::coroutine_handle<> awaiter) { awaiter_ = awaiter; }

 protected:
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  template <class P>
  friend struct Final;
  friend class pgweir::TaskList;

  std::coroutine_handle<> awaiter_;
  std::exception_ptr error_;
  // The TaskList that holds it; null if none does.
  TaskList* list_ = nullptr;
  std::coroutine_handle<> self_;
  Promise* next_ = nullptr;
  Promise* previous_ = nullptr;
};

}  // namespace task_detail

template <class T = void>
class [[nodiscard]] Task;

class TaskList {
 public:
  // What is done about an exception that leaves a coroutine.
  using OnError = void (*)(std::exception_ptr);
  explicit TaskList(OnError on_error) : on_error_(on_error) {}
  ~TaskList() { clear(); }
  TaskList(const TaskList&) = delete;
  TaskList& operator=(const TaskList&) = delete;

  // Runs it until it sleeps for the first time.
  inline void start(Task<void> task);
  // Destroys them all where they sleep. Not from inside one of them.
  void clear() {
    while (first_ != nullptr) destroy(*first_);
  }
  bool empty() const { return first_ == nullptr; }

 private:
  template <class P>
  friend struct task_detail::Final;

  void ended(task_detail::Promise& promise) {
    const std::exception_ptr error = promise.error_;
    destroy(promise);
    if (error) on_error_(error);
  }
  void destroy(task_detail::Promise& promise) {
    (promise.previous_ != nullptr ? promise.previous_->next_ : first_) = promise.next_;
    if (promise.next_ != nullptr) promise.next_->previous_ = promise.previous_;
    promise.self_.destroy();
  }

  OnError on_error_;
  task_detail::Promise* first_ = nullptr;
};

namespace task_detail {

// Goes on with the coroutine that awaits this one. If there is none, this one is destroyed.
template <class P>
struct Final {
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<P> ended) const noexcept {
    Promise& promise = ended.promise();
    if (promise.awaiter_) return promise.awaiter_;
    promise.list_->ended(promise);
    return std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

template <class T>
class PromiseOf : public Promise {
 public:
  Task<T> get_return_object();
  Final<PromiseOf> final_suspend() noexcept { return {}; }
  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class PromiseOf<void> : public Promise {
 public:
  inline Task<void> get_return_object();
  Final<PromiseOf> final_suspend() noexcept { return {}; }
  void return_void() noexcept {}
  void take() const { rethrow(); }
};

}  // namespace task_detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = task_detail::PromiseOf<T>;

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
    handle_.promise().set_awaiter(awaiter);
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  friend class TaskList;
  std::coroutine_handle<promise_type> release() { return std::exchange(handle_, nullptr); }

  std::coroutine_handle<promise_type> handle_;
};

namespace task_detail {

template <class T>
Task<T> PromiseOf<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<PromiseOf>::from_promise(*this));
}

inline Task<void> PromiseOf<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<PromiseOf>::from_promise(*this));
}

}  // namespace task_detail

inline void TaskList::start(Task<void> task) {
  const std::coroutine_handle<task_detail::PromiseOf<void>> handle = task.release();
  task_detail::Promise& promise = handle.promise();
  promise.list_ = this;
  promise.self_ = handle;
  promise.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &promise;
  first_ = &promise;
  handle.resume();
}

}  // namespace pgweir
