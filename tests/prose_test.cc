// The prose of the tree, as far as a machine can judge it: a native reader takes a sentence in at
// once, so none begins with "Who", "Whoever" or "Of" that has nothing before it to refer to, and
// test names say what would break in the field's words.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

// Files with prose, below the folders of the tree, but not what was installed there, and no seeds.
std::vector<fs::path> files_with_prose() {
  std::vector<fs::path> found;
  for (const char* top : {"broker", "common", "tests", "bench", "deploy", "docs"}) {
    fs::recursive_directory_iterator entry(fs::path(SOURCE_DIR) / top);
    for (; entry != fs::recursive_directory_iterator(); ++entry) {
      const std::string name = entry->path().filename();
      if (name == "node_modules" || name == "seeds") entry.disable_recursion_pending();
      if (entry->is_regular_file()) found.push_back(entry->path());
    }
  }
  for (const auto& entry : fs::directory_iterator(SOURCE_DIR)) {
    if (entry.is_regular_file()) found.push_back(entry.path());
  }
  return found;
}

// The part of a line that is prose: all of a document, the comment of a source.
std::string_view prose_of(const fs::path& file, std::string_view line) {
  const std::string extension = file.extension();
  if (extension == ".md") return line;
  std::string_view mark;
  if (extension == ".cc" || extension == ".h" || extension == ".js" || extension == ".mjs") {
    mark = "//";
  } else if (extension == ".py" || extension == ".toml" || extension == ".cmake" ||
             extension == ".txt" || extension == ".conf" || extension == ".service" ||
             extension.empty()) {
    mark = "#";
  }
  if (mark.empty()) return {};
  const std::size_t begin = line.find(mark);
  if (begin == line.npos || (begin > 0 && line[begin - 1] != ' ')) return {};
  return line.substr(begin + mark.size());
}

// Whether a sentence (or a cell, or an item of a list) begins at `at`.
bool begins_sentence(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const std::size_t last = before.find_last_not_of(' ');
  return last == before.npos || std::string_view(".:;!?|-*").contains(before[last]);
}

// The first word of a sentence in `text` that is one of those, or nothing.
std::string_view headless_word(std::string_view text) {
  static constexpr std::array<std::string_view, 4> kWords = {"Whoever", "Who", "Whom", "Of"};
  for (const std::string_view word : kWords) {
    for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
      const std::string_view after = text.substr(at + word.size());
      if (!after.starts_with(' ') && !after.starts_with(',')) continue;
      if (begins_sentence(text, at) && !after.contains('?')) return word;
    }
  }
  return {};
}

struct Line {
  const fs::path& file;
  std::size_t number;
  std::string_view text;
  std::string where() const { return file.string() + ":" + std::to_string(number); }
};

void for_each_line(const std::function<void(const Line& line)>& visit) {
  for (const fs::path& path : files_with_prose()) {
    std::ifstream file(path);
    std::size_t number = 0;
    for (std::string line; std::getline(file, line);) visit({path, ++number, line});
  }
}

TEST(Prose, NoSentenceBeginsWithoutASubject) {
  std::size_t lines = 0;
  for_each_line([&](const Line& line) {
    const std::string_view prose = prose_of(line.file, line.text);
    if (prose.empty()) return;
    ++lines;
    EXPECT_EQ(headless_word(prose), "")
        << line.where() << ": who? of what? Give the sentence a subject";
    EXPECT_FALSE(prose.contains("is let go") || prose.contains("are let go"))
        << line.where() << ": a peer is disconnected, memory is released";
  });
  EXPECT_GT(lines, 5000U) << "the test finds the prose";
}

TEST(Prose, ATestNameHasASubject) {
  for_each_line([](const Line& line) {
    const std::string_view text = line.text;
    if (!text.starts_with("TEST") && !text.starts_with("TYPED_TEST")) return;
    const std::size_t comma = text.find(", ");
    if (comma == text.npos) return;
    const std::string_view name = text.substr(comma + 2, text.find(')') - comma - 2);
    EXPECT_FALSE(name.starts_with("Who") || name.contains("LetGo")) << line.where();
  });
}

TEST(Prose, KnowsAHeadlessSentence) {
  EXPECT_EQ(headless_word(" Whoever asks is told."), "Whoever");
  EXPECT_EQ(headless_word(" one more. Of a stream, when the broker stops."), "Of");
  EXPECT_EQ(headless_word("| key | Who may publish |"), "Who");
  EXPECT_EQ(headless_word(" Who may publish?"), "");
  EXPECT_EQ(headless_word(" An event of a channel: of its window"), "");
  EXPECT_EQ(headless_word(" the World Health Organization (WHO)"), "");
}

}  // namespace
