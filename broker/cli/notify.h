// Tells the service manager that started this process (systemd, Type=notify) how it is. Nothing
// happens when nobody asked to be told.
#pragma once

#include <string_view>

namespace fanfare::cli {

// sd_notify(3) assignments, one a line: "READY=1\nSTATUS=serving". A datagram to $NOTIFY_SOCKET.
void notify_service_manager(std::string_view assignments);
// RELOADING=1 with the time stamp that systemd wants beside it; READY=1 ends it.
void notify_reloading();

}  // namespace fanfare::cli
