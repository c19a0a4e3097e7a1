#include "broker/config/file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace fanfare::config {

std::expected<std::string, std::string> read_file(const std::string& path, std::uint64_t size_max,
                                                  std::string_view too_large) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) return std::unexpected("it is a directory");
  const bool regular = std::filesystem::is_regular_file(status);
  if (regular && std::filesystem::file_size(path, error) > size_max) {
    return std::unexpected(std::string(too_large));
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::unexpected(errno == 0 ? "it cannot be read" : std::strerror(errno));
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return std::unexpected("it cannot be read to the end");
  return text;
}

}  // namespace fanfare::config
