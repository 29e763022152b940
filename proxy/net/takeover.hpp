// Two processes on one port for as long as it takes the younger to replace the older. Each connection goes to
// the younger from its first packet on, so that the older can take what is in its queue and then close
// without losing any. Linux: socket(7), SO_REUSEPORT and SO_ATTACH_REUSEPORT_CBPF.
#pragma once

namespace pgweir {

// To be called before bind().
void share_port(int fd);
// To be called after listen(): from then on this socket gets all new connections. While it is alone it gets
// them anyway; with a third process it is not defined which one gets them.
void take_over(int fd);

}  // namespace pgweir
