// Heartbeats: what silent streams of one shard are sent, in the form that their events have. Most
// get one that programs do not see. A client, or the configuration, may want one that they do see,
// an event of a name of its choice. The names are kept here, each once however many streams have
// it, so that a stream needs seven bits for it, and one without a name needs nothing.
//
// Thread: the shard's. Bounded by kNamesMax.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/fanout/span.h"

namespace fanfare::server {

class Heartbeats {
 public:
  // What a stream knows of its name.
  using Name = std::uint8_t;
  static constexpr Name kUnseen = 0;
  static constexpr std::size_t kNamesMax = 127;

  // Whether it is in use, or there are fewer than `names_max` others. An empty one, which is
  // kUnseen, always fits.
  bool fits(std::string_view name, std::size_t names_max) const;
  // One use of it more; kUnseen if even kNamesMax are in use.
  Name take(std::string_view name);
  void give_back(Name name);
  std::size_t count() const { return count_; }
  // In use.
  std::string_view name(Name name) const {
    return name == kUnseen ? std::string_view() : std::string_view(known_[name - 1U].name);
  }

  void tell_date(std::chrono::sys_seconds now) { now_ = now; }
  // Empty: streams of this framing have none. Valid until another date is told; all are of one
  // moment.
  std::string_view text(fanout::Framing framing, Name name);

 private:
  // Event stream or JSON, in chunks or not.
  static constexpr std::size_t kForms = 4;
  struct Known {
    std::string name;
    std::uint32_t uses = 0;  // 0: the place is free
    std::chrono::sys_seconds written{};
    std::array<std::string, kForms> texts;
  };

  std::size_t find(std::string_view name) const;
  void write(Known& known) const;

  std::vector<Known> known_;  // by Name, less 1
  std::size_t count_ = 0;
  std::chrono::sys_seconds now_{};
};

}  // namespace fanfare::server
