// Two processes on one port for as long as it takes the younger to replace the older. Each connection goes to
// the younger from its first packet on, so that the older can take what is in its queue and then close
// without losing any. Linux: socket(7), SO_REUSEPORT and SO_ATTACH_REUSEPORT_CBPF.
#pragma once

namespace pgweir {

// Before bind().
void share_port(int fd);
// After listen(): from now on this one gets all new connections. While it is alone it gets them anyway; with
// a third process nobody can tell who gets them.
void take_over(int fd);

}  // namespace pgweir
