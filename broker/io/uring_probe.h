// The real kernel's answers to the probe's questions (io/probe.h).
#pragma once

#include <memory>

#include "broker/io/probe.h"

namespace fanfare::io {

std::unique_ptr<UnderProbe> uring_under_probe();

}  // namespace fanfare::io
