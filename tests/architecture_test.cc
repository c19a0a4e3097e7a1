// The house as the sources really build it: every #include of a module's folder must be allowed by
// the module table that CMake wrote, and used; a library may be met only in its own room; no file
// is left behind that nothing includes; and a path that a comment or a document names is there.
#include <fnmatch.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
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
    for (std::string used; std::getline(list, used, ',');) {
      if (used != "-") module.uses.insert(used);
    }
    modules[name] = module;
  }
  return modules;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

// "broker/wire/h1/step.h" -> "wire/h1"; "common/check.h" -> "common".
std::string module_of(const std::string& path) {
  const std::string folder = folder_of(path);
  return folder.starts_with("broker/") ? folder.substr(7) : folder;
}

bool is_cpp(std::string_view path) {
  return path.ends_with(".h") || path.ends_with(".cc");
}

// The files below these folders of the tree, but not what was installed there.
std::vector<std::string> files(const std::vector<std::string>& tops) {
  std::vector<std::string> found;
  for (const std::string& top : tops) {
    fs::recursive_directory_iterator entry(fs::path(SOURCE_DIR) / top);
    for (; entry != fs::recursive_directory_iterator(); ++entry) {
      if (entry->path().filename() == "node_modules") entry.disable_recursion_pending();
      if (entry->is_regular_file()) {
        found.push_back(fs::relative(entry->path(), SOURCE_DIR).string());
      }
    }
  }
  return found;
}

// The whole tree: all folders but the build's, and the files at the top.
std::vector<std::string> all_files() {
  std::vector<std::string> found = files({"broker", "common", "tests", "bench", "deploy", "docs"});
  for (const auto& entry : fs::directory_iterator(SOURCE_DIR)) {
    if (entry.is_regular_file()) found.push_back(entry.path().filename());
  }
  return found;
}

std::vector<std::string> sources() {
  std::vector<std::string> found = files({"broker", "common"});
  std::erase_if(found, [](const std::string& path) { return !is_cpp(path); });
  return found;
}

void for_each_line(const std::string& path,
                   const std::function<void(std::size_t number, const std::string&)>& visit) {
  std::ifstream file(fs::path(SOURCE_DIR) / path);
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) visit(++number, line);
}

// With their quotes or angle brackets.
std::vector<std::string> includes_of(const std::string& source) {
  std::vector<std::string> found;
  for_each_line(source, [&](std::size_t, const std::string& line) {
    if (!line.starts_with("#include ")) return;
    const std::string rest = line.substr(9);
    const char close = rest[0] == '<' ? '>' : '"';
    found.push_back(rest.substr(0, rest.find(close, 1) + 1));
  });
  return found;
}

// Only includes of the tree's own files, without quotes.
std::vector<std::string> own_includes_of(const std::string& source) {
  std::vector<std::string> found;
  for (const std::string& include : includes_of(source)) {
    if (include[0] == '"') found.push_back(include.substr(1, include.size() - 2));
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
    for (const std::string& include : own_includes_of(source)) {
      const std::string target = module_of(include);
      EXPECT_TRUE(target == module || modules.at(module).uses.contains(target))
          << source << " includes " << include << ", but " << module << " does not use " << target;
    }
  }
}

TEST(Architecture, AModuleDeclaresOnlyWhatItIncludes) {
  std::map<std::string, std::set<std::string>> included;
  for (const std::string& source : sources()) {
    for (const std::string& include : own_includes_of(source)) {
      included[module_of(source)].insert(module_of(include));
    }
  }
  for (const auto& [name, module] : read_module_table()) {
    for (const std::string& used : module.uses) {
      EXPECT_TRUE(included[name].contains(used)) << name << " USES " << used << " for nothing";
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

// A request and its answer are values everywhere else: another version of HTTP is added without
// touching what they mean.
TEST(Architecture, OnlyTheRoomsWithConnectionsSpeakHttp11) {
  for (const std::string& source : sources()) {
    if (!source.starts_with("broker/server/") || source.starts_with("broker/server/sockets/") ||
        source.starts_with("broker/server/upstream/")) {
      continue;
    }
    std::ifstream file(fs::path(SOURCE_DIR) / source);
    for (std::string line; std::getline(file, line);) {
      EXPECT_EQ(line.find("h1::"), std::string::npos) << source << ": " << line;
    }
  }
}

TEST(Architecture, NoFileHoldsTwoNouns) {
  for (const std::string& source : sources()) {
    std::size_t lines = 0;
    for_each_line(source, [&](std::size_t number, const std::string&) { lines = number; });
    EXPECT_LE(lines, 600U) << source << ": over 600 lines it is two nouns; find the second";
  }
}

// What only tests include looks alive and is not what ships: it was once a second implementation of
// what a stream says, tested and fuzzed in place of the first.
TEST(Architecture, AHeaderIsIncludedByMoreThanItsOwnSource) {
  std::map<std::string, std::set<std::string>> includers;
  for (const std::string& source : sources()) {
    for (const std::string& include : own_includes_of(source)) includers[include].insert(source);
  }
  for (const std::string& source : sources()) {
    if (!source.ends_with(".h")) continue;
    std::set<std::string>& by = includers[source];
    by.erase(source.substr(0, source.size() - 1) + "cc");
    EXPECT_FALSE(by.empty()) << "no production file includes " << source;
  }
}

TEST(Architecture, ASourceIsBuilt) {
  std::ifstream file(COMPILE_COMMANDS);
  const std::string commands(std::istreambuf_iterator<char>(file), {});
  ASSERT_FALSE(commands.empty());
  for (const std::string& source : sources()) {
    if (!source.ends_with(".cc")) continue;
    const std::string entry = "\"file\": \"" SOURCE_DIR "/" + source + "\"";
    EXPECT_NE(commands.find(entry), std::string::npos) << "no target builds " << source;
  }
}

// Then the source proves that its header stands alone, and the step "headers" need not.
TEST(Architecture, ASourceReadsItsOwnHeaderFirst) {
  const std::vector<std::string> all = sources();
  for (const std::string& header : all) {
    const std::string source = header.substr(0, header.size() - 1) + "cc";
    if (!header.ends_with(".h") || std::ranges::find(all, source) == all.end()) {
      continue;
    }
    const std::vector<std::string> includes = includes_of(source);
    EXPECT_TRUE(!includes.empty() && includes.front() == '"' + header + '"') << source;
  }
}

// The names by which comments and documents call the files and folders of the tree.
class Names {
 public:
  Names() {
    for (const std::string& file : all_files()) {
      add(file);
      const std::size_t base = file.rfind('/') + 1;  // 0 without a folder
      if (const std::size_t dot = file.find('.', base + 1); dot != file.npos) {
        add(file.substr(0, dot));  // "io/uring" for io/uring.cc
      }
      if (file.starts_with("docs/decisions/")) add(file.substr(0, file.find('-')));
      bases_.insert(file.substr(base));
      for (std::string up = folder_of(file); !up.empty(); up = folder_of(up)) add(up);
    }
  }

  // Whether `word` is written as a path into the tree, or as the name of a source or a document.
  bool is_path(const std::string& word) const {
    const std::size_t slash = word.find('/');
    if (slash != word.npos && first_folders_.contains(word.substr(0, slash))) return true;
    const std::string extension = fs::path(word).extension();
    return extension == ".h" || extension == ".cc" || extension == ".md" || extension == ".py" ||
           extension == ".toml";
  }

  // As seen from a file in `folder`.
  bool exists(const std::string& word, const std::string& folder) const {
    if (bases_.contains(word)) return true;
    for (const std::string& from :
         {std::string(), std::string("broker"), std::string("tests"), folder}) {
      std::string path = (fs::path(from) / word).lexically_normal();
      if (path.ends_with('/')) path.pop_back();
      if (paths_.contains(path)) return true;
      if (path.find('*') == path.npos) continue;
      if (std::ranges::any_of(paths_, [&](const std::string& known) {
            return fnmatch(path.c_str(), known.c_str(), FNM_PATHNAME) == 0;
          })) {
        return true;
      }
    }
    return false;
  }

 private:
  void add(const std::string& path) {
    paths_.insert(path);
    for (const std::string_view top : {"", "broker/", "tests/"}) {
      if (!path.starts_with(top)) continue;
      const std::string below = path.substr(top.size());
      if (const std::size_t slash = below.find('/'); slash != below.npos) {
        first_folders_.insert(below.substr(0, slash));
      }
    }
  }

  std::set<std::string> paths_;
  std::set<std::string> bases_;
  std::set<std::string> first_folders_;  // of the tree, of broker/, of tests/
};

// The words of `text` that a path could be made of. URLs, absolute paths and options are none.
std::vector<std::string> path_words(std::string_view text) {
  constexpr std::string_view kCharacters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./*:~<>$@";
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t begin = std::min(text.find_first_of(kCharacters), text.size());
    text.remove_prefix(begin);
    std::string word(text.substr(0, text.find_first_not_of(kCharacters)));
    text.remove_prefix(word.size());
    if (word.find("://") != word.npos || word.find_first_of("~<>$@") != word.npos) continue;
    word = word.substr(0, word.find(':'));  // the number of a line
    while (word.ends_with('.') || word.ends_with('/')) word.pop_back();
    if (!word.empty() && word.front() != '/') words.push_back(word);
  }
  return words;
}

TEST(Architecture, APathInACommentOrADocumentExists) {
  const Names names;
  std::size_t paths = 0;
  const auto check = [&](const std::string& file, std::size_t line, std::string_view text) {
    for (const std::string& word : path_words(text)) {
      if (!names.is_path(word)) continue;
      ++paths;
      EXPECT_TRUE(names.exists(word, folder_of(file)))
          << file << ":" << line << " names " << word << ", which is not there";
    }
  };
  for (const std::string& file : all_files()) {
    if (is_cpp(file)) {
      for_each_line(file, [&](std::size_t number, const std::string& line) {
        const std::size_t comment = line.starts_with("//") ? 0 : line.find(" //");
        if (comment != line.npos) check(file, number, std::string_view(line).substr(comment));
      });
    } else if (file.ends_with(".md")) {
      for_each_line(
          file, [&](std::size_t number, const std::string& line) { check(file, number, line); });
    }
  }
  EXPECT_GT(paths, 100U) << "the test knows a path when it sees one";
}

}  // namespace
