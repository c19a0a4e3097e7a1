// The pages inside the binary are the pages of the sources and the packages npm installed.
#include "broker/admin/assets.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace fanfare::admin {
namespace {

std::string file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream.good()) << path;
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string gunzip(std::string_view packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
  std::string copy(packed);
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  std::string out(1U << 20U, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0U);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

const Asset* find(std::string_view path) {
  const auto all = assets();
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const Asset& asset) { return asset.path == path; });
  return at == all.end() ? nullptr : &*at;
}

std::string content(std::string_view path) {
  const Asset* asset = find(path);
  if (asset == nullptr) {
    ADD_FAILURE() << "no asset " << path;
    return {};
  }
  return std::string(asset->bytes);
}

// A page with the parts that its comments name.
std::string assembled(const std::string& name) {
  std::string page = file(PAGE_DIR "/" + name);
  const std::regex part(R"( *<!-- (\S+) -->\n)");
  for (std::smatch found; std::regex_search(page, found, part);) {
    const std::string text = file(PAGE_DIR "/" + found[1].str());
    EXPECT_NE(text, "") << found[1];
    page = found.prefix().str() + text + found.suffix().str();
  }
  return page;
}

TEST(Assets, AreTheFilesOfThePageAndOfThePackages) {
  const std::string page = PAGE_DIR "/";
  const std::string modules = MODULES_DIR "/";
  EXPECT_EQ(content("/"), assembled("live.html"));
  EXPECT_EQ(content("/connections"), assembled("operators.html"));
  EXPECT_EQ(find("/assets/head.part.html"), nullptr) << "is a part of both pages";
  EXPECT_EQ(content("/assets/live.js"), file(page + "live.js"));
  EXPECT_EQ(content("/assets/base.css"), file(page + "base.css"));
  EXPECT_EQ(content("/assets/uplot.js"), file(modules + "uplot/dist/uPlot.esm.js"));
  EXPECT_EQ(content("/assets/uplot.css"), file(modules + "uplot/dist/uPlot.min.css"));
  EXPECT_EQ(content("/assets/inter.woff2"),
            file(modules + "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"));
  const std::string licences = content("/assets/licences.txt");
  EXPECT_NE(licences.find(file(modules + "uplot/LICENSE")), std::string::npos);
}

TEST(Assets, AreSortedAndTyped) {
  const auto all = assets();
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(),
                             [](const Asset& a, const Asset& b) { return a.path < b.path; }));
  for (const Asset& asset : all) {
    EXPECT_FALSE(asset.content_type.empty()) << asset.path;
    EXPECT_FALSE(asset.bytes.empty()) << asset.path;
  }
  ASSERT_NE(find("/assets/live.js"), nullptr);
  EXPECT_EQ(find("/assets/live.js")->content_type, "text/javascript; charset=utf-8");
  EXPECT_FALSE(find("/assets/live.js")->gzip.empty());
  EXPECT_TRUE(find("/assets/inter.woff2")->gzip.empty());
  for (const Asset& asset : all) {
    if (asset.gzip.empty()) continue;
    EXPECT_EQ(gunzip(asset.gzip), asset.bytes) << asset.path;
  }
}

TEST(Assets, HoldEverythingThatAPageAsksFor) {
  const std::regex reference("['\"(](/assets/[^'\")]+)['\")]");
  for (const Asset& asset : assets()) {
    if (asset.gzip.empty() || asset.path == "/assets/licences.txt") continue;
    const std::string text = content(asset.path);
    for (auto at = std::sregex_iterator(text.begin(), text.end(), reference);
         at != std::sregex_iterator(); ++at) {
      EXPECT_NE(find((*at)[1].str()), nullptr) << asset.path << " asks for " << (*at)[1];
    }
  }
}

// The pages' policy allows neither, and what peers wrote never becomes HTML.
TEST(Assets, UseNoInlineScriptNoInlineStyleAndNoHtmlFromData) {
  const std::regex inline_code("<script>|<style| style=| on[a-z]+=", std::regex::icase);
  for (const char* page : {"/", "/connections"}) {
    EXPECT_FALSE(std::regex_search(content(page), inline_code)) << page;
  }
  for (const Asset& asset : assets()) {
    if (!asset.path.ends_with(".js") || asset.path == "/assets/uplot.js") continue;
    const std::string script = content(asset.path);
    for (const char* forbidden : {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                                  "eval(", "new Function"}) {
      EXPECT_EQ(script.find(forbidden), std::string::npos) << asset.path << ": " << forbidden;
    }
  }
}

TEST(Assets, AskNothingOfAnyOtherHost) {
  const std::regex foreign("(https?:)?//[a-z0-9-]+\\.[a-z]", std::regex::icase);
  for (const Asset& asset : assets()) {
    if (asset.gzip.empty() || asset.path == "/assets/licences.txt" ||
        asset.path == "/assets/uplot.js" || asset.path.ends_with(".svg")) {
      continue;  // licences and the library's comments may name their homes; SVG its namespace
    }
    EXPECT_FALSE(std::regex_search(content(asset.path), foreign)) << asset.path;
  }
}

TEST(Assets, AreInstalledFromALockFileThatNamesNoRegistry) {
  const std::string lock = file(PAGE_DIR "/package-lock.json");
  EXPECT_EQ(lock.find("\"resolved\""), std::string::npos);
  EXPECT_NE(lock.find("\"integrity\""), std::string::npos);
}

// Both languages say the same things.
TEST(Assets, SayEveryWordInBothLanguages) {
  const std::regex key("\n    ([a-z0-9_]+): '");
  for (const char* path : {"/assets/live.words.js", "/assets/operators.words.js"}) {
    const std::string words = content(path);
    const std::size_t chinese = words.find("\n  zh: {");
    ASSERT_NE(chinese, std::string::npos);
    std::multiset<std::string> en, zh;
    for (auto at = std::sregex_iterator(words.begin(), words.end(), key);
         at != std::sregex_iterator(); ++at) {
      (static_cast<std::size_t>(at->position()) < chinese ? en : zh).insert((*at)[1]);
    }
    EXPECT_GT(en.size(), 30U);
    EXPECT_EQ(en, zh) << path;
  }
}

}  // namespace
}  // namespace fanfare::admin
