#include "bench/client.hpp"

#include "bench/use_tuple.hpp"

namespace asio = boost::asio;

namespace pgweir::bench {
namespace {

Micros since(Clock::time_point start) {
  return std::chrono::duration_cast<Micros>(Clock::now() - start);
}

}  // namespace

void Gate::open() {
  open_ = true;
  timer_.cancel();
}

Client::Client(asio::io_context& io, const ClientPlan& plan, Credentials& credentials, Gate& gate,
               ClientEvents& events, std::optional<asio::ip::address> source)
    : plan_(plan),
      gate_(gate),
      events_(events),
      connection_(io, plan.connection, credentials, std::move(source)) {}

asio::awaitable<void> Client::run() {
  const Clock::time_point started = Clock::now();
  const bool connected = co_await connection_.open();
  if (connected) events_.on_connected(since(started));
  bool good = connected;
  // One Query message is one transaction.
  for (std::uint32_t i = 0; good && i < plan_.transactions; ++i) {
    const Clock::time_point asked = Clock::now();
    good = co_await connection_.query(plan_.query_message);
    if (good) events_.on_transaction(since(asked));
  }
  if (good) co_await stay();
  if (connection_.failure()) {
    connection_.close();
  } else {
    connection_.terminate();
  }
  events_.on_finished(connection_.failure(), connected);
}

asio::awaitable<void> Client::stay() {
  if (!gate_.is_open()) {
    [[maybe_unused]] auto [ignored] = co_await gate_.timer().async_wait(use_tuple);
  }
  connection_.still_open();
}

}  // namespace pgweir::bench
