#include "broker/server/sockets/client.h"

#include <string_view>
#include <vector>

namespace fanfare::server {

Client client_of(const Request& request, const Settings& settings) {
  if (request.peer == nullptr) return {};
  const policy::TrustedFronts& fronts = settings.fronts();
  if (fronts.empty()) return {.address = *request.peer};
  const ForwardedField field = settings->fronts.forwarded;
  const std::string_view name = policy::name_of(field);
  std::vector<std::string_view> values;
  for (const http::Field* f = request.head.find(name); f != nullptr;
       f = request.head.find(name, f)) {
    values.push_back(f->value);
  }
  const policy::Hop client = policy::client_of(request.peer->hop(), values, field, fronts);
  return {.address = PackedAddress::from(client), .front = fronts.contains(client)};
}

}  // namespace fanfare::server
