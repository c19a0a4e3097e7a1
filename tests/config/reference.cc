#include "tests/config/reference.h"

#include <fmt/format.h>

#include <iterator>

#include "broker/config/keys.h"
#include "broker/config/value.h"
#include "broker/server/base/version.h"
#include "tests/roff.h"

namespace fanfare::config {
namespace {

constexpr std::string_view kHead = R"(# Configuration

Fanfare reads one TOML file, `fanfare serve --config broker.toml`. Without a file the defaults below apply.
`--set section.key=value`, any number of times, overrides the file. `fanfare check --config broker.toml` reports every
problem of a file at once, and the most memory and descriptors that the broker can then use.

- Durations and sizes are strings with a unit: `"100ms"`, `"15s"`, `"2min"`, `"1h"`, `"7d"`; `"64KiB"`, `"1MiB"` (powers
  of 1024), `"2GB"` (powers of 1000). A bare number is an error, because people disagree about its unit.
- An unknown key, a value of the wrong type or out of bounds, and a contradiction between two keys are errors, reported
  with file, line and column; the broker does not start (exit code 78).
- On SIGHUP the file is read again. A key marked ↻ takes effect at once, also for what is already open, unless its text
  says otherwise; every other key keeps its old value (and `/metrics` shows that one) until the next start, and the log
  says so. A file with problems changes nothing, and the log names all of them.

This file is written by `cmake --build --preset dev --target write-config-reference` from the table in
`broker/config/keys_*.cc`; do not edit it by hand.
)";

constexpr std::string_view kManualHead = R"(.SH NAME
broker.toml \- configuration of the Fanfare event broker
.SH SYNOPSIS
.I /etc/fanfare/broker.toml
.SH DESCRIPTION
.B fanfare serve \-\-config
reads this file, in TOML. Every key may be left out; so may the file.
.B \-\-set \fIsection.key\fB=\fIvalue
overrides one of them.
.B fanfare check \-\-config
reports every problem of a file at once, and the most memory and descriptors that the broker can then use.
.PP
Durations and sizes are strings with a unit: "100ms", "15s", "2min", "1h", "7d"; "64KiB", "1MiB" (powers of 1024),
"2GB" (powers of 1000). An unknown key, a value of the wrong type or out of bounds, and a contradiction between two keys
are errors, and the broker does not start (exit code 78).
.PP
On SIGHUP
.RB ( "systemctl reload fanfare" )
the file is read again. A key marked
.B reload
takes effect at once, also for what is already open, unless its text says otherwise; every other key keeps its old value
until the next start, and the log says so. A file with problems changes nothing.
.PP
Keys stand below the name of their section. Sections in double brackets may be repeated.
)";

constexpr std::string_view kManualEnd = R"(.SH EXAMPLE
.nf
[listen]
http = ["0.0.0.0:8080"]

[history]
events = 100
age = "10min"

[[channel]]
match = "orders/**"
history_age = "1d"
.fi
.SH FILES
.I /etc/fanfare/broker.toml
has every key with its default.
.SH SEE ALSO
.BR fanfare (1)
)";

// The default as a key of any kind shows it; empty where there is nothing to show.
template <class Record>
std::string usual_of(const Key<Record>& key, const Record& defaults) {
  const auto value = key.read(defaults);
  const std::string usual = value ? spelled(key.facts, *value) : std::string();
  const bool required = key.facts.at_least > 0 && (usual == "\"\"" || usual == "[]");
  return required ? std::string() : usual;
}

template <class Record>
void append_manual(std::string& out, const Section<Record>& section, std::string_view title,
                   const Record& defaults) {
  fmt::format_to(std::back_inserter(out), ".SS {}\n{}\n", roff(title), roff(section.help));
  for (const Key<Record>& key : section.keys) {
    std::string facts = described(key.facts);
    if (const std::string usual = usual_of(key, defaults); !usual.empty()) {
      facts += "; default " + usual;
    }
    if (!key.facts.restart) facts += "; reload";
    fmt::format_to(std::back_inserter(out), ".TP\n{} ({})\n{}\n", roff_bold(key.facts.name),
                   roff(facts), roff(key.facts.help));
  }
}

template <class Record>
void append_key(std::string& out, const Key<Record>& key, const Record& defaults) {
  const std::string usual = usual_of(key, defaults);
  fmt::format_to(std::back_inserter(out), "| `{}`{} | {} | {} | {} |\n", key.facts.name,
                 key.facts.restart ? "" : " ↻", described(key.facts),
                 usual.empty() ? "" : '`' + usual + '`', key.facts.help);
}

template <class Record>
void append_section(std::string& out, const Section<Record>& section, std::string_view title,
                    const Record& defaults) {
  fmt::format_to(std::back_inserter(out),
                 "\n## {}\n\n{}\n\n| key | type | default | |\n|---|---|---|---|\n", title,
                 section.help);
  for (const Key<Record>& key : section.keys) append_key(out, key, defaults);
}

}  // namespace

std::string reference_markdown() {
  std::string out(kHead);
  const server::Options defaults;
  for (const Section<server::Options>& section : sections()) {
    append_section(out, section, fmt::format("[{}]", section.name), defaults);
    if (section.name == "tls") append_section(out, sni_section(), "[[tls.sni]]", server::SniRule{});
    if (section.name == "publish") {
      append_section(out, publish_client_section(), "[[publish.client]]",
                     server::PublishClientRule{});
    }
  }
  append_section(out, channel_section(), "[[channel]]", server::ChannelRule{});
  append_section(out, route_section(), "[[route]]", server::RouteRule{});
  append_section(out, hook_section(), "[[hook]]", server::HookRule{});
  return out;
}

std::string reference_manual() {
  std::string out = fmt::format(
      ".\\\" Made by `cmake --build --preset dev --target write-config-reference`; do not edit it "
      "by hand.\n.TH BROKER.TOML 5 \"\" \"fanfare {}\" \"Fanfare\"\n",
      server::kVersion);
  out += kManualHead;
  out += ".SH SECTIONS AND KEYS\n";
  const server::Options defaults;
  for (const Section<server::Options>& section : sections()) {
    append_manual(out, section, fmt::format("[{}]", section.name), defaults);
    if (section.name == "tls") append_manual(out, sni_section(), "[[tls.sni]]", server::SniRule{});
    if (section.name == "publish") {
      append_manual(out, publish_client_section(), "[[publish.client]]",
                    server::PublishClientRule{});
    }
  }
  append_manual(out, channel_section(), "[[channel]]", server::ChannelRule{});
  append_manual(out, route_section(), "[[route]]", server::RouteRule{});
  append_manual(out, hook_section(), "[[hook]]", server::HookRule{});
  out += kManualEnd;
  return out;
}

}  // namespace fanfare::config
