// Reports this process's state to the service manager that started it (systemd, Type=notify). Does
// nothing if no manager asked for it.
#pragma once

#include <string_view>

namespace fanfare::cli {

// sd_notify(3) assignments, one a line: "READY=1\nSTATUS=serving". A datagram to $NOTIFY_SOCKET.
void notify_service_manager(std::string_view assignments);
// RELOADING=1 with the time stamp that systemd requires; READY=1 ends it.
void notify_reloading();

}  // namespace fanfare::cli
