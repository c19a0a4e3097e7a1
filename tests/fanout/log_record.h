// LogRecord: the Commands of a log, kept as a journal would keep them; and all that a log holds, as
// text, so that two of them can be compared.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "broker/fanout/log.h"

namespace fanfare::fanout::testing {

class LogRecord {
 public:
  void add(const Command& command) {
    Kept& kept = commands_.emplace_back(Kept{command, {}, {}, {}});
    if (auto* const appear = std::get_if<Appear>(&kept.command)) {
      keep(appear->name, kept.one);
    } else if (auto* const append = std::get_if<Append>(&kept.command)) {
      keep(append->event.type, kept.one);
      keep(append->event.data, kept.two);
      keep(append->event.key, kept.three);
    } else if (auto* const receipt = std::get_if<AddReceipt>(&kept.command)) {
      keep(receipt->key, kept.one);
    }
  }
  std::size_t size() const { return commands_.size(); }
  void clear() { commands_.clear(); }
  const Command& operator[](std::size_t index) const { return commands_[index].command; }

 private:
  struct Kept {
    Command command;
    std::string one, two, three;  // what it views
  };
  static void keep(std::string_view& view, std::string& text) {
    text = view;
    view = text;
  }

  std::deque<Kept> commands_;
};

inline std::string state_of(const Source& source) {
  const Window& window = source.window;
  std::string text = fmt::format(
      "{} {}: events {} bytes {} lost {} newest {} begun after {} published {} used {} {}\n"
      "  segments {}, the last of {}, {} events in {} bytes of the open one\n",
      source.id, source.name, window.events(), window.bytes(), window.evicted_through(),
      source.newest, source.begun_after, source.published, source.last_activity.nanoseconds,
      source.finished ? "finished" : "", source.segments, source.last_footprint,
      source.writer.count(), source.writer.end());
  for (auto position = window.begin(); position < window.end();) {
    const Window::Run run = window.run(position, UINT64_MAX, 1);
    text += fmt::format("  {} at {}: {}\n", run.last, window.entry(position).committed_s,
                        std::string_view(run.data, run.size));
    position = run.next;
  }
  return text;
}

inline std::string state_of(const Log& log) {
  std::string text =
      fmt::format("head {} total {} of {} channels, floor {}\n", log.head(), log.segments().bytes(),
                  log.segments().holders(), log.tombstones().floor());
  for (const auto& source : log.sources().all()) text += source ? state_of(*source) : "free\n";
  text += fmt::format("next id {}\n", log.sources().next_id());
  const Segment* segment = log.segments().oldest();
  for (; segment != nullptr; segment = SegmentList::newer(*segment)) {
    text +=
        fmt::format("segment of {}: {}\n", SegmentList::channel(*segment), segment->footprint());
  }
  log.receipts().for_each([&](std::string_view key, Sequence sequence, LogTime added) {
    text += fmt::format("receipt {}: {} at {}\n", key, sequence, added.nanoseconds);
  });
  log.tombstones().for_each([&](std::string_view name, Sequence evicted_through) {
    text += fmt::format("tombstone {}: {}\n", name, evicted_through);
  });
  return text;
}

// What programs can see of it: not which channel has which id, nor how its segments are filled.
inline std::string content_of(const Log& log) {
  std::map<std::string, std::string> channels;
  for (const auto& source : log.sources().all()) {
    if (!source) continue;
    const Window& window = source->window;
    std::string text =
        fmt::format("events {} bytes {} lost {} newest {} begun after {} published {} used {} {}\n",
                    window.events(), window.bytes(), window.evicted_through(), source->newest,
                    source->begun_after, source->published, source->last_activity.nanoseconds,
                    source->finished ? "finished" : "");
    for (auto position = window.begin(); position < window.end();) {
      const Window::Run run = window.run(position, UINT64_MAX, 1);
      text += fmt::format("  {} at {}: {}\n", run.last, window.entry(position).committed_s,
                          std::string_view(run.data, run.size));
      position = run.next;
    }
    if (source->keys) {
      text += fmt::format("  {} keys of {} bytes, removals known after {}\n", source->keys->count(),
                          source->keys->value_bytes(), source->keys->forgotten_through());
      source->keys->for_each_kept(
          [&text](const Segment::Entry& entry, Sequence sequence, std::string_view frame) {
            text += fmt::format("  kept {} at {}: {}\n", sequence, entry.committed_s, frame);
          });
    }
    channels[source->name] = text;
  }
  std::string text = fmt::format("head {} floor {}\n", log.head(), log.tombstones().floor());
  for (const auto& [name, content] : channels) text += name + ": " + content;
  log.receipts().for_each([&](std::string_view key, Sequence sequence, LogTime added) {
    if (log.sources().find(key.substr(0, key.find(' '))) == nullptr) return;
    text += fmt::format("receipt {}: {} at {}\n", key, sequence, added.nanoseconds);
  });
  log.tombstones().for_each([&](std::string_view name, Sequence evicted_through) {
    text += fmt::format("tombstone {}: {}\n", name, evicted_through);
  });
  return text;
}

}  // namespace fanfare::fanout::testing
