// docs/CONFIG.md and docs/man/broker.toml.5: the reference of all keys, made from the table in
// config/keys.cc. A test fails when one of the documents is not what this says.
#pragma once

#include <string>

namespace fanfare::config {

std::string reference_markdown();
std::string reference_manual();

}  // namespace fanfare::config
