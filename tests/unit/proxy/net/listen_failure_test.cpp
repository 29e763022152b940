#include "proxy/net/listen_failure.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace pgweir;

TEST_CASE("an address that cannot be listened on is told with its keys and what to do") {
  CHECK(listen_failure("listen", "0.0.0.0", 6432, EADDRINUSE, "Address already in use") ==
        "cannot listen on 0.0.0.0:6432 (listen.host, listen.port): Address already in use; end the process "
        "that has it (`ss -ltnp` shows which), or set another listen.port");
  CHECK(
      listen_failure("admin", "nowhere", 9127, 0, "Name or service not known") ==
      "cannot listen on nowhere:9127 (admin.host, admin.port): Name or service not known; set admin.host to "
      "an address or a name of this machine");
}

TEST_CASE("what to do depends on what is wrong") {
  const auto says = [](int error, const char* what) {
    return listen_failure("listen", "h", 1, error, "why").find(what) != std::string::npos;
  };
  CHECK(says(EADDRNOTAVAIL, "set listen.host"));
  CHECK(says(EACCES, "above 1023"));
  CHECK(says(ENOBUFS, "look at listen.host and listen.port"));
}
