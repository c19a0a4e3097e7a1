// What the kernel says of a TCP connection by its descriptor; Ring::tcp_figures().
#pragma once

#include <optional>

#include "broker/io/ring.h"

namespace fanfare::io {

std::optional<TcpFigures> tcp_figures_of(int descriptor);

}  // namespace fanfare::io
