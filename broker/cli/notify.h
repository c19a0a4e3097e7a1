// Reports this process's state to the service manager that started it (systemd, Type=notify). Does
// nothing if no manager asked for it.
#pragma once

#include <optional>
#include <string_view>

#include "common/time.h"

namespace fanfare::cli {

// sd_notify(3) assignments, one a line: "READY=1\nSTATUS=serving". A datagram to $NOTIFY_SOCKET.
void notify_service_manager(std::string_view assignments);
// RELOADING=1 with the time stamp that systemd requires; READY=1 ends it.
void notify_reloading();
// How often the manager wants to hear WATCHDOG=1 (WatchdogSec=), if it does; half of that is a good
// interval.
std::optional<Duration> watchdog_time();

}  // namespace fanfare::cli
