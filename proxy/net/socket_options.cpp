#include "proxy/net/socket_options.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace pgweir {

void set_option(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

void configure_tcp(int fd, const Keepalive& keepalive) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive.idle_s);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive.interval_s);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, keepalive.probes);
}

}  // namespace pgweir
