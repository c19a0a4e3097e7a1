// Connecting without ever waiting: what Ring::connect() is made of on a real kernel. The socket is
// a descriptor of its own, which does not block, until it is connected; only then does it go into a
// ring's table. (io_uring's own connect would leave a full backlog of a Unix socket to a worker
// that blocks, and a descriptor of the table can be given no options.)
#pragma once

#include "broker/io/descriptor.h"
#include "broker/io/ring.h"

namespace fanfare::io {

struct Connecting {
  Descriptor socket;
  int result = 0;  // 0: connected; -EINPROGRESS: not yet; else why not, and no socket
};

// Begins. While it is not known yet, the socket becomes writable when it is.
Connecting begin_connect(const PeerAddress& address);
// What became of it: 0 or a negated errno.
int connect_result(int socket);

}  // namespace fanfare::io
