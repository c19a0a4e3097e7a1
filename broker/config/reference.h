// The reference of all keys, docs/CONFIG.md, as the table of keys knows them. A test fails when the
// document is not what this says.
#pragma once

#include <string>

namespace fanfare::config {

std::string reference_markdown();

}  // namespace fanfare::config
