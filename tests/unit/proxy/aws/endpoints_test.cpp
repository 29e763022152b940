#include "proxy/aws/endpoints.hpp"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>

#include "proxy/aws/http_loop.hpp"

using namespace pgweir;
using namespace pgweir::aws;

TEST_CASE("services are where AWS has them, or where the configuration says") {
  config::Aws aws;
  aws.region = "eu-west-1";
  CHECK(endpoint_of(Service::sts, aws) == "https://sts.eu-west-1.amazonaws.com");
  CHECK(endpoint_of(Service::secretsmanager, aws) == "https://secretsmanager.eu-west-1.amazonaws.com");
  CHECK(endpoint_of(Service::ssm, aws) == "https://ssm.eu-west-1.amazonaws.com");
  CHECK(endpoint_of(Service::container, aws) == "http://169.254.170.2");
  CHECK(endpoint_of(Service::imds, aws) == "http://169.254.169.254");
  aws.endpoints = {"https://a", "https://b", "https://c", "https://d", "https://e"};
  CHECK(endpoint_of(Service::sts, aws) + endpoint_of(Service::secretsmanager, aws) +
            endpoint_of(Service::ssm, aws) + endpoint_of(Service::container, aws) +
            endpoint_of(Service::imds, aws) ==
        "https://ahttps://bhttps://chttps://dhttps://e");
  CHECK(regional_host("sts", "cn-north-1") == "sts.cn-north-1.amazonaws.com.cn");
  CHECK(regional_host("sts", "us-gov-west-1") == "sts.us-gov-west-1.amazonaws.com");
}

TEST_CASE("all default endpoints may be spoken to") {
  config::Aws aws;
  aws.region = "eu-west-1";
  for (const Service service :
       {Service::sts, Service::secretsmanager, Service::ssm, Service::container, Service::imds})
    CHECK(is_fit_url(endpoint_of(service, aws)));
  CHECK(authority_of("https://sts.eu-west-1.amazonaws.com/?x") == "sts.eu-west-1.amazonaws.com");
  CHECK(authority_of("http://127.0.0.1:8080") == "127.0.0.1:8080");
}

TEST_CASE("what is refused is told later, not inside the call, and nothing comes after the stop") {
  HttpLoop loop;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> errors;
  bool inside = false;
  bool calling = false;  // the loop's thread only
  loop.post([&] {
    HttpRequest request;
    request.url = "http://example.org/";
    calling = true;
    loop.send(std::move(request), [&](HttpReply reply) {
      const std::lock_guard lock(mutex);
      inside = calling;
      errors.push_back(reply.error);
      changed.notify_all();
    });
    calling = false;
  });
  std::unique_lock lock(mutex);
  REQUIRE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return !errors.empty(); }));
  CHECK_FALSE(inside);
  CHECK(errors.front() == "neither https nor an address of this machine or its metadata service");
  lock.unlock();
  loop.stop();
  loop.post([&] { errors.emplace_back("late"); });
  CHECK(errors.size() == 1);
}
