#include "proxy/aws/http_loop.hpp"

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "config/aws_url.hpp"
#include "proxy/base/log.hpp"

namespace pgweir::aws {
namespace {

constexpr int poll_ms_max = 1'000;
constexpr std::size_t date_line_max = 64;  // "Date: " and 29 characters (RFC 9110, section 5.6.7)

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

struct HttpLoop::Transfer {
  HttpRequest request;
  Done done;
  HttpReply reply;
  bool too_large = false;
  std::unique_ptr<CURL, FreeEasy> easy{curl_easy_init()};
  std::unique_ptr<curl_slist, FreeList> headers;
  std::array<char, CURL_ERROR_SIZE> problem{};

  ~Transfer() {
    wipe(request.body);
    for (auto& [name, value] : request.headers) wipe(value);
    wipe(request.url);
  }

  static std::size_t take(char* data, std::size_t, std::size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    std::string& body = transfer.reply.body;
    transfer.too_large = body.size() + size > answer_max;
    if (transfer.too_large) return 0;  // ends the transfer
    if (body.capacity() < body.size() + size) {
      // Grown by hand, so that no copy is left behind unwiped.
      std::string larger;
      larger.reserve(std::min(answer_max, 2 * (body.size() + size)));
      larger = body;
      wipe(body);
      body.swap(larger);
    }
    body.append(data, size);
    return size;
  }

  // One header line. Only the date of the answer is of interest: it tells a wrong clock.
  static std::size_t take_header(char* data, std::size_t, std::size_t size, void* self) {
    constexpr std::string_view name = "date:";
    const std::string line(data, size);
    if (size <= date_line_max && ::strncasecmp(line.c_str(), name.data(), name.size()) == 0) {
      const std::time_t seconds = curl_getdate(line.c_str() + name.size(), nullptr);
      if (seconds > 0)
        static_cast<Transfer*>(self)->reply.date = std::chrono::system_clock::from_time_t(seconds);
    }
    return size;
  }

  // False: libcurl refuses.
  bool prepare(const std::string& ca_file) {
    CURL* const c = easy.get();
    if (c == nullptr) return false;
    std::vector<std::string> lines;
    for (const auto& [name, value] : request.headers) lines.push_back(name + ": " + value);
    lines.emplace_back("Expect:");  // no waiting for a "100 Continue"
    for (std::string& line : lines) {
      curl_slist* const longer = curl_slist_append(headers.get(), line.c_str());
      wipe(line);
      if (longer == nullptr) return false;
      static_cast<void>(headers.release());  // it begins `longer` now
      headers.reset(longer);
    }
    bool good = true;
    const auto set = [&](CURLoption option, auto value) {
      good = good && curl_easy_setopt(c, option, value) == CURLE_OK;
    };
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "https,http");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // no waiting for a name server when the process ends
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!ca_file.empty()) set(CURLOPT_CAINFO, ca_file.c_str());
    if (!ca_file.empty()) set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    set(CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(std::min(request.timeout, HttpLoop::connect_timeout).count()));
    set(CURLOPT_ERRORBUFFER, problem.data());
    set(CURLOPT_WRITEFUNCTION, &Transfer::take);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_HEADERFUNCTION, &Transfer::take_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (request.method == "POST") {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDS, request.body.data());
      set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    }
    return good;
  }

  void finish(CURLcode code) {
    if (code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
      reply.status = static_cast<int>(status);
      return;
    }
    wipe(reply.body);
    const char* const detail = problem[0] != '\0' ? problem.data() : curl_easy_strerror(code);
    reply.error = too_large ? "the answer is larger than " + std::to_string(answer_max) + " bytes" : detail;
  }
};

void wipe(std::string& text) {
  text.resize(text.capacity());
  explicit_bzero(text.data(), text.size());
  text.clear();
}

HttpReply::~HttpReply() {
  wipe(body);
}

HttpLoop::HttpLoop() {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    throw std::runtime_error("libcurl cannot be initialised");
  multi_.reset(curl_multi_init());
  if (!multi_) throw std::runtime_error("libcurl cannot be initialised");
}

HttpLoop::~HttpLoop() {
  stop();
  running_.clear();
  multi_.reset();
  curl_global_cleanup();
}

void HttpLoop::post(std::function<void()> function) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  posted_.push_back(std::move(function));
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  curl_multi_wakeup(multi_.get());
}

void HttpLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    posted_.clear();
    curl_multi_wakeup(multi_.get());
  }
  if (thread_.joinable()) thread_.join();
}

void HttpLoop::run() {
  // Signals are for the main thread.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    run_posted();
    run_timers();
    start_waiting();
    int active = 0;
    curl_multi_perform(multi_.get(), &active);
    reap();
    curl_multi_poll(multi_.get(), nullptr, 0, time_to_next_timer(), nullptr);
  }
  for (auto& [easy, transfer] : running_) curl_multi_remove_handle(multi_.get(), easy);
  running_.clear();
  waiting_.clear();
  timers_.clear();
}

void HttpLoop::run_posted() {
  std::vector<std::function<void()>> now;
  {
    const std::lock_guard lock(mutex_);
    now.swap(posted_);
  }
  for (const auto& function : now) function();
}

void HttpLoop::run_timers() {
  const SteadyTime now = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const auto function = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    function();
  }
}

int HttpLoop::time_to_next_timer() const {
  if (timers_.empty()) return poll_ms_max;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, poll_ms_max));
}

void HttpLoop::after(std::chrono::milliseconds delay, std::function<void()> function) {
  timers_.emplace(std::chrono::steady_clock::now() + delay, std::move(function));
}

void HttpLoop::refuse(Done done, std::string error) {
  after(std::chrono::milliseconds(0), [done = std::move(done), error = std::move(error)] {
    HttpReply reply;
    reply.error = error;
    done(std::move(reply));
  });
}

void HttpLoop::send(HttpRequest request, Done done) {
  if (!is_fit_url(request.url))
    return refuse(std::move(done), "neither https nor an address of this machine or its metadata service");
  if (waiting_.size() >= waiting_max) return refuse(std::move(done), "too many requests to AWS are waiting");
  auto transfer = std::make_unique<Transfer>();
  transfer->request = std::move(request);
  transfer->done = std::move(done);
  waiting_.push_back(std::move(transfer));
}

void HttpLoop::start_waiting() {
  std::size_t taken = 0;
  while (taken < waiting_.size() && running_.size() < transfers_max) {
    std::unique_ptr<Transfer> transfer = std::move(waiting_[taken++]);
    CURL* const easy = transfer->easy.get();
    if (!transfer->prepare(ca_file_) || curl_multi_add_handle(multi_.get(), easy) != CURLM_OK) {
      refuse(std::move(transfer->done), "libcurl refuses the request");
      continue;
    }
    running_.emplace(easy, std::move(transfer));
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
}

void HttpLoop::reap() {
  int left = 0;
  while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;
    curl_multi_remove_handle(multi_.get(), easy);
    const auto found = running_.find(easy);
    const std::unique_ptr<Transfer> transfer = std::move(found->second);
    running_.erase(found);
    transfer->finish(code);
    // done() may send the next request, which must not wait for a timer.
    after(std::chrono::milliseconds(0), [] {});
    transfer->done(std::move(transfer->reply));
  }
}

bool is_fit_url(std::string_view url) {
  return config::is_aws_url(url);
}

std::string authority_of(std::string_view url) {
  return std::string(config::authority_of_url(url));
}

}  // namespace pgweir::aws
