// Any text as a configuration: it is refused with problems that point into it, or it is one, and
// then it says the same once it has been spelled out and read again.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "broker/config/load.h"
#include "tests/config/spelled_out.h"

#include "common/check.h"

using namespace fanfare;  // NOLINT(google-build-using-namespace): a program of one function

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const config::Loaded loaded = config::parse(text, "fuzz.toml");
  if (!loaded) {
    const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
    CHECK(!loaded.error().empty(), "a text that is refused has a problem");
    for (const config::Diagnostic& problem : loaded.error()) {
      CHECK(!problem.what.empty(), "a problem says what is wrong");
      CHECK(problem.where.line <= lines + 1, "a problem points into the text");
    }
    return 0;
  }
  const config::Loaded again = config::parse(config::spelled_out(*loaded), "again.toml");
  CHECK(again.has_value(), "what was spelled out can be read");
  CHECK(*again == *loaded, "and says the same");
  return 0;
}
