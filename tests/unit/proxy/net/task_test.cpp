#include "proxy/net/task.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>
#include <string>

#include "proxy/net/readiness.hpp"

using namespace pgweir;

namespace {

struct Fixture {
  void run() { reactor.run_wakers(); }

  static inline std::string reported;
  Reactor reactor;
  Waker waker{reactor};
  TaskList tasks{[](std::exception_ptr error) {
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      reported = e.what();
    }
  }};
};

Task<int> answer(Waker& waker) {
  co_await waker.wait();
  co_return 42;
}

Task<std::string> fails_asleep(Waker& waker) {
  co_await waker.wait();
  throw std::runtime_error("no answer");
}

Task<std::unique_ptr<int>> at_once() {
  co_return std::make_unique<int>(7);
}

Task<> record_answer(Waker& waker, int& out) {
  out = 1;
  out = co_await answer(waker);
}

Task<> record_failure(Waker& waker, std::string& out) {
  std::string text;
  bool failed = false;
  try {
    text = co_await fails_asleep(waker);
  } catch (const std::runtime_error& e) {
    text = e.what();
    failed = true;
  }
  out = failed ? "caught " + text : text;
}

Task<> fail(Waker& waker) {
  co_await fails_asleep(waker);
}

Task<> add_at_once(int& out) {
  for (int i = 0; i < 3; ++i) {
    const std::unique_ptr<int> value = co_await at_once();
    out += *value;
  }
}

Task<int> hold_and_answer(std::shared_ptr<int> held, Waker& waker) {
  co_await waker.wait();
  co_return *held;
}

Task<> hold(std::shared_ptr<int> held, Waker& waker) {
  co_await hold_and_answer(held, waker);
}

}  // namespace

TEST_CASE("a task begins when it is started, and its awaiter goes on with its result") {
  Fixture f;
  int out = 0;
  f.tasks.start(record_answer(f.waker, out));
  CHECK(out == 1);
  f.waker.wake();
  CHECK(out == 1);  // never inside wake()
  f.run();
  CHECK(out == 42);
  CHECK(f.tasks.empty());
}

TEST_CASE("tasks that never sleep end inside start()") {
  Fixture f;
  int out = 0;
  f.tasks.start(add_at_once(out));
  CHECK(out == 21);
  CHECK(f.tasks.empty());
}

TEST_CASE("an exception is the awaiter's, and the list's when there is none") {
  Fixture f;
  std::string out;
  f.tasks.start(record_failure(f.waker, out));
  f.waker.wake();
  f.run();
  CHECK(out == "caught no answer");

  f.tasks.start(fail(f.waker));
  f.waker.wake();
  f.run();
  CHECK(Fixture::reported == "no answer");
  CHECK(f.tasks.empty());
}

TEST_CASE("a task that is destroyed where it sleeps takes along what it awaits") {
  Fixture f;
  const auto held = std::make_shared<int>(0);
  Waker second(f.reactor);
  f.tasks.start(hold(held, f.waker));
  f.tasks.start(hold(held, second));
  CHECK(held.use_count() > 1);
  SECTION("the list is cleared") {
    f.tasks.clear();
  }
  SECTION("one has ended before") {
    second.wake();
    f.run();
    CHECK_FALSE(f.tasks.empty());
    f.tasks.clear();
  }
  CHECK(held.use_count() == 1);
  CHECK(f.tasks.empty());
}

TEST_CASE("a task that was never started is destroyed with its arguments") {
  Fixture f;
  const auto held = std::make_shared<int>(0);
  { const Task<> unused = hold(held, f.waker); }
  CHECK(held.use_count() == 1);
}
