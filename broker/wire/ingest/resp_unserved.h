// Redis commands that users are likely to try, and what to do instead.
#pragma once

#include <string_view>

namespace fanfare::ingest {

struct Unserved {
  std::string_view name;     // upper case
  std::string_view instead;  // follows "NAME is not supported: "
};

// Null: not one of these.
const Unserved* find_unserved(std::string_view name);

}  // namespace fanfare::ingest
