#include "bench/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/write.hpp>

#include "bench/use_tuple.hpp"
#include "protocol/backend.hpp"
#include "protocol/startup.hpp"

namespace asio = boost::asio;

namespace pgweir::bench {
Connection::Connection(asio::io_context& io, const ConnectionPlan& plan, Credentials& credentials,
                       std::optional<asio::ip::address> source)
    : socket_(io), plan_(plan), credentials_(credentials), source_(std::move(source)) {}

asio::awaitable<bool> Connection::open() {
  deadline_ = Clock::now() + plan_.timeout;
  bool good = co_await connect();
  if (good) good = co_await log_in();
  deadline_ = Clock::time_point::max();
  usable_ = good;
  co_return good;
}

asio::awaitable<bool> Connection::query(const ByteBuffer& message) {
  stage_ = Stage::querying;
  deadline_ = Clock::now() + plan_.timeout;
  usable_ = false;
  bool completed = false;
  std::optional<Failure> refused;
  bool good = co_await send(message);
  while (good) {
    Message answer;
    good = co_await receive(answer);
    if (!good) break;
    if (answer.is(BackendType::CommandComplete)) completed = true;
    if (answer.is(BackendType::ErrorResponse) && !refused)
      refused = failure_from_error_response(answer.body, stage_);
    if (!answer.is(BackendType::ReadyForQuery)) continue;
    deadline_ = Clock::time_point::max();
    if (parse_ready_for_query(answer.body, status_) != Errc::ok)
      co_return fail({"PROTOCOL", "a ReadyForQuery that cannot be read", stage_});
    usable_ = true;
    if (refused) co_return fail(std::move(*refused));
    if (!completed) co_return fail({"PROTOCOL", "ReadyForQuery without CommandComplete", stage_});
    co_return true;
  }
  deadline_ = Clock::time_point::max();
  // A FATAL error says more than the end of file that follows it.
  if (refused) failure_ = std::move(refused);
  co_return false;
}

// A frozen environment does not look at its socket; it finds out when it wakes, and so does this client.
bool Connection::still_open(Stage stage) {
  stage_ = stage;
  const bool was_usable = usable_;
  usable_ = false;
  while (true) {
    const std::span<Byte> area = stream_.write_area();
    boost::system::error_code error;
    const std::size_t count = socket_.read_some(asio::buffer(area.data(), area.size()), error);
    if (error == asio::error::would_block) break;
    if (error) return fail(error);
    stream_.committed(count);
    Message message;
    while (stream_.next(message) == MessageStream::Next::message)
      if (message.is(BackendType::ErrorResponse))
        return fail(failure_from_error_response(message.body, stage_));
  }
  usable_ = was_usable;
  return true;
}

std::optional<Failure> Connection::take_failure() {
  return std::exchange(failure_, std::nullopt);
}

void Connection::terminate() {
  boost::system::error_code ignored;
  ByteBuffer goodbye;
  write_terminate(goodbye);
  socket_.write_some(asio::buffer(goodbye), ignored);
  close();
}

void Connection::close() {
  boost::system::error_code ignored;
  usable_ = false;
  socket_.close(ignored);
}

void Connection::reset() {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  close();
}

void Connection::expire_if_due(Clock::time_point now) {
  if (now < deadline_) return;
  deadline_ = Clock::time_point::max();
  timed_out_ = true;
  close();
}

bool Connection::open_socket() {
  boost::system::error_code error;
  socket_.open(plan_.target.protocol(), error);
  if (!error) socket_.non_blocking(true, error);
  if (!error) socket_.set_option(asio::ip::tcp::no_delay(true), error);
  if (!error && source_) {
    // The port is chosen at connect(), where it only has to be unique for this target.
    const int on = 1;
    setsockopt(socket_.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    socket_.bind(asio::ip::tcp::endpoint(*source_, 0), error);
  }
  return error ? fail(error) : true;
}

asio::awaitable<bool> Connection::connect() {
  stage_ = Stage::connecting;
  if (!open_socket()) co_return false;
  auto [error] = co_await socket_.async_connect(plan_.target, use_tuple);
  if (error) co_return fail(error);
  co_return true;
}

asio::awaitable<bool> Connection::log_in() {
  stage_ = Stage::logging_in;
  Authentication authentication(credentials_);
  bool authenticated = false;
  bool good = co_await send(plan_.startup_message);
  while (good) {
    Message message;
    good = co_await receive(message);
    if (!good) break;
    if (message.is(BackendType::ErrorResponse))
      co_return fail(failure_from_error_response(message.body, stage_));
    if (message.is(BackendType::ReadyForQuery)) {
      if (!authenticated) co_return fail({"PROTOCOL", "ReadyForQuery before AuthenticationOk", stage_});
      co_return true;
    }
    if (!message.is(BackendType::Authentication)) continue;
    ByteBuffer reply;
    const Authentication::Step step = authentication.on_request(message.body, reply);
    if (step == Authentication::Step::failed) co_return fail({"AUTH", authentication.problem(), stage_});
    if (step == Authentication::Step::done) authenticated = true;
    if (step == Authentication::Step::answer) good = co_await send(reply);
  }
  co_return false;
}

asio::awaitable<bool> Connection::send(const ByteBuffer& bytes) {
  auto [error, count] = co_await asio::async_write(socket_, asio::buffer(bytes), use_tuple);
  if (error) co_return fail(error);
  co_return true;
}

asio::awaitable<bool> Connection::receive(Message& out) {
  while (true) {
    const MessageStream::Next next = stream_.next(out);
    if (next == MessageStream::Next::message) co_return true;
    if (next == MessageStream::Next::malformed)
      co_return fail({"PROTOCOL", "a message with an impossible length", stage_});
    const std::span<Byte> area = stream_.write_area();
    const asio::mutable_buffer buffer(area.data(), area.size());
    auto [error, count] = co_await socket_.async_read_some(buffer, use_tuple);
    if (error) co_return fail(error);
    stream_.committed(count);
  }
}

bool Connection::fail(Failure failure) {
  if (!failure_) failure_ = std::move(failure);
  return false;
}

bool Connection::fail(const boost::system::error_code& error) {
  if (!timed_out_) return fail(failure_from_system(error, stage_));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(plan_.timeout).count();
  return fail({std::string(timeout_code), "no answer within " + std::to_string(seconds) + " s", stage_});
}

}  // namespace pgweir::bench
