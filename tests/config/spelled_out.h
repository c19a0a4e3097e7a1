// A whole configuration as a TOML text, written from the table of keys.
#pragma once

#include <string>

#include "broker/config/keys.h"
#include "broker/config/value.h"

namespace fanfare::config {

template <class Record>
std::string spelled_out(const Section<Record>& section, const Record& record) {
  std::string text;
  for (const Key<Record>& key : section.keys) {
    if (const auto value = key.read(record)) {
      text += std::string(key.facts.name) + " = " + spelled(key.facts, *value) + "\n";
    }
  }
  return text;
}

inline std::string spelled_out(const server::Options& options) {
  std::string text;
  for (const auto& section : sections()) {
    text += "[" + std::string(section.name) + "]\n" + spelled_out(section, options);
  }
  for (const auto& rule : options.tls.sni) {
    text += "[[tls.sni]]\n" + spelled_out(sni_section(), rule);
  }
  for (const auto& rule : options.publish.clients) {
    text += "[[publish.client]]\n" + spelled_out(publish_client_section(), rule);
  }
  for (const auto& rule : options.channels) {
    text += "[[channel]]\n" + spelled_out(channel_section(), rule);
  }
  for (const auto& rule : options.routes) {
    text += "[[route]]\n" + spelled_out(route_section(), rule);
  }
  return text;
}

}  // namespace fanfare::config
