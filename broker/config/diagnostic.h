// Diagnostic: one thing that is wrong with a configuration, where it is, and what would be right.
// Report: all of them. A configuration is read to its end whatever is wrong with it, so that its
// author can fix everything at once.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/config/document.h"

namespace fanfare::config {

struct Diagnostic {
  std::string source;  // the file, or "--set" for an override
  Position where;      // line 0: the source as a whole
  std::string what;    // "unknown key \"hearbeat\" in [delivery]"
  std::string remedy;  // "did you mean \"heartbeat\"?"; may be empty

  // "broker.toml:12:1: unknown key \"hearbeat\" in [delivery]; did you mean \"heartbeat\"?"
  std::string text() const;
  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// Where a value came from.
struct Origin {
  std::string source;
  Position where;
};

class Report {
 public:
  void add(const Origin& origin, std::string what, std::string remedy);

  // Remembers where the value of `key` ("limits.head_bytes", "channel[2].match", "listen.http[0]")
  // was set, so that rules over several keys can point at it.
  void note(std::string key, Origin origin);
  bool noted(std::string_view key) const { return origins_.contains(key); }
  // A problem with the value of `key`. If the key was left at its default, the problem is reported
  // at `other`, and at the file as a whole if that was left at its default too.
  void add_at(std::string_view key, std::string what, std::string remedy,
              std::string_view other = {});

  std::size_t count() const { return problems_.size(); }
  // In the order of the text, those of overrides last.
  std::vector<Diagnostic> take();

 private:
  std::map<std::string, Origin, std::less<>> origins_;
  std::vector<Diagnostic> problems_;
};

}  // namespace fanfare::config
