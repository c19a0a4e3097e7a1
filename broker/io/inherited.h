// InheritedSocket: a listening socket that a service manager made and passed to this process
// (socket activation: $LISTEN_FDS, sd_listen_fds(3)). It stays the manager's: it goes on listening
// when this process has ended, and connections wait in its queue for the next. So it is never shut
// down, and no filter is put on it.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "broker/io/descriptor.h"
#include "broker/io/problem.h"

namespace fanfare::io {

struct InheritedSocket {
  Descriptor descriptor;
  std::string name;     // FileDescriptorName= of its unit; systemd's default is the unit's name
  std::string address;  // "127.0.0.1:8080", or a path
};

// All of them, in the order in which they were passed; none if no manager passed any to this
// process. Blocking, as listeners are here. Takes them once: programs that this one starts inherit
// neither the descriptors nor the variables. A descriptor that does not listen is the Problem.
std::expected<std::vector<InheritedSocket>, Problem> inherited_sockets();

}  // namespace fanfare::io
