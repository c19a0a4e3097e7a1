#include "broker/wire/tls/ticket_keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

#include "common/check.h"

namespace fanfare::tls {

TicketKeys::TicketKeys(TimePoint now) {
  rotate(now);
}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(keys_.data(), sizeof(keys_));
}

void TicketKeys::time_passes(TimePoint now) {
  const std::lock_guard lock(mutex_);  // of all shards that notice, one replaces it
  if (now - made_ >= kTicketKeyLife) replace(now);
}

void TicketKeys::rotate(TimePoint now) {
  const std::lock_guard lock(mutex_);
  replace(now);
}

void TicketKeys::replace(TimePoint now) {
  Key key;
  const bool made = RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
                    RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
                    RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1;
  CHECK(made, "the machine has random numbers");
  std::ranges::rotate(keys_, keys_.end() - 1);
  keys_.front() = key;
  count_ = std::min(count_ + 1, keys_.size());
  made_ = now;
  OPENSSL_cleanse(&key, sizeof(key));
}

TicketKeys::Key TicketKeys::newest() const {
  const std::lock_guard lock(mutex_);
  return keys_.front();
}

std::optional<TicketKeys::Found> TicketKeys::find(std::span<const unsigned char, 16> name) const {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < count_; ++i) {
    if (std::ranges::equal(keys_[i].name, name)) return Found{keys_[i], i == 0};
  }
  return std::nullopt;
}

}  // namespace fanfare::tls
