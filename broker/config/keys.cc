#include "broker/config/keys.h"

#include <array>

#include "broker/config/key_sections.h"

namespace fanfare::config {

std::span<const Section<server::Options>> sections() {
  static const std::array kSections{
      listen_section(),  tls_section(),       fronts_section(),   server_section(),
      history_section(), journal_section(),   delivery_section(), limits_section(),
      cors_section(),    subscribe_section(), token_section(),    publish_section(),
      access_section(),
  };
  return kSections;
}

}  // namespace fanfare::config
