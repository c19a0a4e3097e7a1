// docs/CONFIG.md: the reference of all keys, made from the table in config/keys.cc. A test fails
// when the document is not what this says.
#pragma once

#include <string>

namespace fanfare::config {

std::string reference_markdown();

}  // namespace fanfare::config
