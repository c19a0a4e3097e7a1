// The house as the sources really build it: every #include of a module's folder must be allowed by
// the module table that CMake wrote, and a library may be met only in its own room.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Module {
  int floor = 0;
  std::set<std::string> uses;
};

std::map<std::string, Module> read_module_table() {
  std::map<std::string, Module> modules;
  std::ifstream table(MODULE_TABLE);
  std::string name, pillar, uses;
  int floor = 0;
  while (table >> name >> floor >> pillar >> uses) {
    Module module{.floor = floor, .uses = {}};
    std::istringstream list(uses);
    for (std::string used; std::getline(list, used, ',');) module.uses.insert(used);
    modules[name] = module;
  }
  return modules;
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// "broker/wire/h1/parser.h" -> "wire/h1"; "common/check.h" -> "common".
std::string module_of(const std::string& path) {
  const std::string folder = folder_of(path);
  return folder.starts_with("broker/") ? folder.substr(7) : folder;
}

std::vector<std::string> sources() {
  std::vector<std::string> found;
  for (const char* top : {"broker", "common"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(SOURCE_DIR) / top)) {
      const auto extension = entry.path().extension();
      if (extension == ".h" || extension == ".cc") {
        found.push_back(fs::relative(entry.path(), SOURCE_DIR).string());
      }
    }
  }
  return found;
}

std::vector<std::string> includes_of(const std::string& source) {
  std::vector<std::string> found;
  std::ifstream file(fs::path(SOURCE_DIR) / source);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("#include ")) continue;
    const std::string rest = line.substr(9);
    const char close = rest[0] == '<' ? '>' : '"';
    found.push_back(rest.substr(0, rest.find(close, 1) + 1));
  }
  return found;
}

TEST(Architecture, AModuleIncludesOnlyWhatItDeclared) {
  const auto modules = read_module_table();
  ASSERT_FALSE(modules.empty());
  for (const std::string& source : sources()) {
    const std::string module = module_of(source);
    if (source.starts_with("broker/main")) continue;
    ASSERT_TRUE(modules.contains(module)) << source << " lies in no module";
    for (const std::string& include : includes_of(source)) {
      if (include[0] != '"') continue;
      const std::string target = module_of(include.substr(1, include.size() - 2));
      EXPECT_TRUE(target == module || modules.at(module).uses.contains(target))
          << source << " includes " << include << ", but " << module << " does not use " << target;
    }
  }
}

TEST(Architecture, ALibraryIsMetOnlyInItsOwnRoom) {
  const std::map<std::string, std::vector<std::string>> rooms = {
      {"<liburing", {"broker/io/uring"}},
      {"<sys/epoll.h", {"broker/io/epoll"}},
      {"<nghttp2/", {"broker/wire/h2/"}},
      {"<openssl/", {"broker/wire/tls/", "broker/policy/"}},
      {"<toml", {"broker/config/"}},
      {"<simdjson", {"broker/wire/", "broker/policy/", "broker/client/"}},
      {"<CLI/", {"broker/cli/"}},
      {"<spdlog/", {"common/log."}},
  };
  for (const std::string& source : sources()) {
    for (const std::string& include : includes_of(source)) {
      for (const auto& [library, allowed] : rooms) {
        if (!include.starts_with(library)) continue;
        bool at_home = false;
        for (const std::string& room : allowed) at_home |= source.starts_with(room);
        EXPECT_TRUE(at_home) << source << " includes " << include;
      }
    }
  }
}

TEST(Architecture, NoFileHoldsTwoNouns) {
  for (const std::string& source : sources()) {
    std::ifstream file(fs::path(SOURCE_DIR) / source);
    std::size_t lines = 0;
    for (std::string line; std::getline(file, line);) ++lines;
    EXPECT_LE(lines, 600U) << source << ": over 600 lines it is two nouns; find the second";
  }
}

}  // namespace
