#include "proxy/net/takeover.hpp"

#include <linux/filter.h>
#include <sys/socket.h>

#include "proxy/net/socket_options.hpp"

namespace pgweir {

void share_port(int fd) {
  set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

// The kernel keeps the sockets of one port in the order in which they began to listen, and asks this program
// for an index. With one socket there is no index 1, and it falls back to that one.
void take_over(int fd) {
  sock_filter choose_second{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 1};
  const sock_fprog program{.len = 1, .filter = &choose_second};
  ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

}  // namespace pgweir
