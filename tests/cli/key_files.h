// Key files for probes: a secret that signs, another that does not, and key sets, in a folder that
// lasts as long as the program.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "tests/policy/jwt_signer.h"

namespace fanfare::cli {

inline const policy_test::JwtSigner& probe_signer() {
  static const auto kSigner = policy_test::JwtSigner::secret(std::string(32, 's'));
  return kSigner;
}

class KeyFiles {
 public:
  KeyFiles() {
    std::string folder = ::testing::TempDir() + "fanfare-keys-XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    const std::string jwk =
        fmt::format(R"({{"kty":"oct","k":"{}"}})", policy_test::part(probe_signer().key_file()));
    const std::string other =
        R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
    std::ofstream(folder_ / "good") << probe_signer().key_file();
    std::ofstream(folder_ / "admin") << "0123456789abcdef\n";
    std::ofstream(folder_ / "other") << std::string(32, 'o');
    std::ofstream(folder_ / "good.json") << R"({"keys":[)" << jwk << ',' << other << "]}";
    std::ofstream(folder_ / "other.json") << R"({"keys":[)" << other << "]}";
  }
  ~KeyFiles() { std::filesystem::remove_all(folder_); }
  std::string path(std::string_view name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

inline const KeyFiles& key_files() {
  static const KeyFiles kFiles;
  return kFiles;
}

// A configuration with this line in the section, in which "$NAME" is a file, and more. It lives as
// long as the program.
inline std::string_view with_key_file(std::string_view section, std::string_view line,
                                      std::string_view more) {
  static std::deque<std::string> texts;
  const std::size_t at = line.find('$');
  const std::size_t end = line.find('"', at);
  return texts.emplace_back(fmt::format("[{}]\n{}{}{}\n{}", section, line.substr(0, at),
                                        key_files().path(line.substr(at + 1, end - at - 1)),
                                        line.substr(end), more));
}

}  // namespace fanfare::cli
