// One connection of the load generator: TCP, login, simple queries. It speaks just enough of the protocol to
// be honest about what happened.
//
// Thread rule: the one thread of the run. One operation at a time; the owner keeps a Connection alive until
// the operation it awaits has ended, and reads failure() after one that returned false.
#pragma once

#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "bench/authentication.hpp"
#include "bench/failure.hpp"
#include "bench/message_stream.hpp"
#include "bench/statistics.hpp"
#include "protocol/message.hpp"

namespace pgweir::bench {

// The same for all connections of a run; outlives them.
struct ConnectionPlan {
  boost::asio::ip::tcp::endpoint target;
  ByteBuffer startup_message;
  Micros timeout{};  // of connect and login together, and of each query
};

class Connection {
 public:
  // `source`: the local address to connect from, or the system's choice.
  Connection(boost::asio::io_context& io, const ConnectionPlan& plan, Credentials& credentials,
             std::optional<boost::asio::ip::address> source);

  // Connects and logs in.
  boost::asio::awaitable<bool> open();
  // Sends one Query message, which outlives the wait, and reads to ReadyForQuery. Good means: a
  // CommandComplete came and no error. After an error the connection may be usable nevertheless.
  boost::asio::awaitable<bool> query(const ByteBuffer& message);
  // Looks, without waiting, whether the server has said something final meanwhile; `stage` names the time.
  bool still_open(Stage stage = Stage::idle);

  // Logged in, and the last query was answered to its end.
  bool usable() const { return usable_; }
  bool in_transaction() const { return usable_ && status_ != TransactionStatus::idle; }
  const std::optional<Failure>& failure() const { return failure_; }
  std::optional<Failure> take_failure();

  // Ways to part. After each the connection is closed.
  void terminate();  // says goodbye
  void close();      // the system sends FIN, as for a process that was killed
  void reset();      // RST

  // Ends a step that has taken too long; the wait for it then fails.
  void expire_if_due(Clock::time_point now);

 private:
  boost::asio::awaitable<bool> connect();
  boost::asio::awaitable<bool> log_in();
  boost::asio::awaitable<bool> send(const ByteBuffer& bytes);
  boost::asio::awaitable<bool> receive(Message& out);
  bool open_socket();
  bool fail(Failure failure);
  bool fail(const boost::system::error_code& error);

  boost::asio::ip::tcp::socket socket_;
  const ConnectionPlan& plan_;
  Credentials& credentials_;
  std::optional<boost::asio::ip::address> source_;
  MessageStream stream_;
  Stage stage_ = Stage::connecting;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool timed_out_ = false;
  bool usable_ = false;
  TransactionStatus status_ = TransactionStatus::idle;
  std::optional<Failure> failure_;
};

}  // namespace pgweir::bench
