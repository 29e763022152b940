// A thread of its own for all that goes to AWS: HTTPS by libcurl, timers, and functions that other threads
// post. What runs on it needs no lock against itself, and no worker ever waits for a name server or a TLS
// handshake of AWS.
//
// Every transfer has limits: time, size of the answer, number at a time. Redirects are not followed, proxies
// of the environment are not used, certificates are verified. Plain http:// is taken for loopback and for the
// link-local addresses of the metadata services only.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "proxy/aws/sigv4.hpp"

namespace pgweir::aws {

// What AWS's dates are compared with.
inline Time now() {
  return std::chrono::system_clock::now();
}

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  Pairs headers;
  std::string body;
  std::chrono::milliseconds timeout{5'000};
};

struct HttpReply {
  int status = 0;     // 0: no answer, `error` says why
  std::string error;  // for the log; never a secret
  std::string body;   // may hold a secret: wiped when this goes
  Time date{};        // by the other side's clock; epoch: it did not say
  ~HttpReply();
  HttpReply() = default;
  HttpReply(HttpReply&&) = default;
  HttpReply& operator=(HttpReply&&) = default;
};

class HttpLoop {
 public:
  // A secret of Secrets Manager has 64 KiB at most, which JSON may double.
  static constexpr std::size_t answer_max = 256 * 1024;
  static constexpr std::size_t transfers_max = 32;   // at a time
  static constexpr std::size_t waiting_max = 4'096;  // for their turn; more are refused
  static constexpr std::chrono::milliseconds connect_timeout{3'000};

  using Done = std::function<void(HttpReply)>;

  HttpLoop();
  // Stops the thread. Transfers that have not ended by then never report.
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  // Any thread: runs the function on the loop's, which the first call starts.
  void post(std::function<void()> function);
  // Any thread: nothing runs any more when it returns, and nothing is started again.
  void stop();

  // The rest: on the loop's thread only.

  // `done` is called once, never inside this call.
  void send(HttpRequest request, Done done);
  void after(std::chrono::milliseconds delay, std::function<void()> function);
  // PEM: who may have signed the certificates of the endpoints; empty: the system's.
  void trust(std::string ca_file) { ca_file_ = std::move(ca_file); }

 private:
  struct Transfer;
  struct FreeMulti {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };
  using SteadyTime = std::chrono::steady_clock::time_point;

  void run();
  void run_posted();
  void run_timers();
  int time_to_next_timer() const;
  void start_waiting();
  void reap();
  void refuse(Done done, std::string error);

  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::string ca_file_;
  std::map<CURL*, std::unique_ptr<Transfer>> running_;
  std::vector<std::unique_ptr<Transfer>> waiting_;  // oldest first
  std::multimap<SteadyTime, std::function<void()>> timers_;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  bool stopping_ = false;
  std::thread thread_;
};

// Whether pgweir may speak to this URL at all: https, or http to an address that no router forwards to.
bool is_fit_url(std::string_view url);
// "host" or "host:port" of a URL, as its Host header says it; empty: the text is not a URL.
std::string authority_of(std::string_view url);

// Overwrites and empties.
void wipe(std::string& text);

}  // namespace pgweir::aws
