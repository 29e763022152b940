#include "proxy/pool/pool_cancel.hpp"

#include <catch2/catch.hpp>

#include "protocol/startup.hpp"
#include "reachable_pool.hpp"

using namespace pgweir;

namespace {

// One backend, which is lent, and whose client wants its statement cancelled.
struct CancellingPool : test::ReachablePool {
  CancellingPool() {
    add_server();
    lent = &borrow();
    lent->pid = 42;
    lent->cancel_secret = {1, 2, 3, 4};
  }
  void cancel() {
    auto socket = std::make_shared<int>();
    client = socket;
    begin_cancel(core(), *lent, worker(), std::move(socket));
  }
  void await_end() {
    turn_until([this] { return !lent->cancels.in_flight(); });
  }
  std::uint64_t cancels() { return worker().counters().cancels_forwarded.get(); }

  Backend* lent = nullptr;
  std::weak_ptr<int> client;  // what has to live until the request is delivered
};

}  // namespace

TEST_CASE("a cancel request names the server's process, and is delivered when the server closes") {
  CancellingPool pool;
  pool.cancel();
  testing::FakeBackend connection = pool.accept();
  ByteBuffer request;
  write_cancel_request(request, 42, pool.lent->cancel_secret);
  CHECK(connection.opening() == ByteBuffer(request.begin() + 4, request.end()));
  pool.turn();
  CHECK_FALSE(pool.client.expired());
  CHECK(pool.lent->cancels.in_flight());
  connection.close();
  pool.await_end();
  CHECK(pool.client.expired());
  CHECK_FALSE(pool.lent->cancels.in_doubt());
  CHECK(pool.lent->state == MemberState::borrowed);
}

TEST_CASE("one cancel request at a time is enough for a backend, and another one can follow") {
  CancellingPool pool;
  pool.cancel();
  pool.accept().close();
  pool.cancel();
  CHECK(pool.cancels() == 1);
  CHECK(pool.client.expired());
  pool.await_end();
  CHECK(pool.reached->nobody_knocks());
  pool.cancel();
  CHECK(pool.cancels() == 2);
  pool.accept().close();
  pool.await_end();
}

TEST_CASE("a backend that comes back while a cancel is on its way to it is lent again after that") {
  CancellingPool pool;
  Waiter waiter;
  pool.cancel();
  testing::FakeBackend connection = pool.accept();
  pool.core().state.enqueue(waiter);
  pool.pool().release(*pool.lent, pool.worker());
  CHECK(waiter.granted == nullptr);
  connection.close();
  pool.await_end();
  CHECK(waiter.granted == pool.lent);
}

TEST_CASE("a backend is not lent again where nobody knows whether its cancel will still arrive") {
  CancellingPool pool;
  pool.reached.reset();
  pool.cancel();
  pool.await_end();
  CHECK(pool.client.expired());
  pool.pool().release(*pool.lent, pool.worker());
  CHECK(pool.closed(BackendClose::cancel_in_doubt) == 1);
}
