// AdminPage: what the simulated broker's admin listener shows: one page, larger than most socket
// buffers of the simulation, and a live event each second.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/server/base/admin_surface.h"

namespace fanfare::sim {

class AdminPage final : public server::AdminSurface {
 public:
  explicit AdminPage(bool live) : live_(live) {}

  static constexpr std::string_view kPath = "/page";
  // The body of that page, whenever it is asked for.
  static const std::string& body();

  server::AdminAnswer answer(std::string_view path, const server::Snapshot& now) override;
  std::string live_event(const server::Snapshot& now) override;

  // As of the last second.
  std::uint64_t channels_forgotten() const { return forgotten_; }
  std::uint64_t channels() const { return channels_; }
  std::uint64_t segment_bytes() const { return segment_bytes_; }

 private:
  bool live_;
  std::uint64_t events_ = 0;
  std::uint64_t forgotten_ = 0;
  std::uint64_t channels_ = 0;
  std::uint64_t segment_bytes_ = 0;
};

}  // namespace fanfare::sim
