// Options of TCP sockets, towards clients and servers alike.
#pragma once

namespace pgweir {

// When a silent peer is asked whether it is still there, how often, and how many times in vain.
struct Keepalive {
  int idle_s;
  int interval_s;
  int probes;
};

void set_option(int fd, int level, int option, int value);
// Small messages go out at once, and a peer that vanished without a word is noticed.
void configure_tcp(int fd, const Keepalive& keepalive);

}  // namespace pgweir
