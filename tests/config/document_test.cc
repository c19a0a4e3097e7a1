#include "broker/config/document.h"

#include <gtest/gtest.h>

namespace fanfare::config {
namespace {

const Member& member(const Node& table, std::size_t index) {
  return table.table()->at(index);
}

TEST(Document, RemembersWhereEverythingIs) {
  const auto root = parse_document("a = 1\n\n[b]\n  c = \"x\"\n");
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(member(*root, 0).where, (Position{1, 1}));
  EXPECT_EQ(member(*root, 0).value.where, (Position{1, 5}));
  const Member& inner = member(member(*root, 1).value, 0);
  EXPECT_EQ(inner.name, "c");
  EXPECT_EQ(inner.where, (Position{4, 3}));
  EXPECT_EQ(inner.value.where, (Position{4, 7}));
}

TEST(Document, KeepsTheOrderOfTheText) {
  const auto root = parse_document("z = 1\ny = 2\na = 3\n");
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(member(*root, 0).name, "z");
  EXPECT_EQ(member(*root, 1).name, "y");
  EXPECT_EQ(member(*root, 2).name, "a");
}

TEST(Document, KnowsEveryKindOfValue) {
  const auto root =
      parse_document("a = \"t\"\nb = 1\nc = 1.5\nd = true\ne = [1]\nf = {x = 1}\ng = 2024-01-01\n");
  ASSERT_TRUE(root.has_value());
  const char* kinds[] = {"a string", "a number", "a number",      "true or false",
                         "a list",   "a table",  "a date or time"};
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(member(*root, i).value.kind(), kinds[i]);
}

TEST(Document, PointsAtASyntaxError) {
  const auto root = parse_document("a = 1\nb = = 2\n");
  ASSERT_FALSE(root.has_value());
  EXPECT_EQ(root.error().where.line, 2U);
  EXPECT_NE(root.error().what, "");
}

TEST(Document, PointsAtAKeyThatOccursTwice) {
  const auto root = parse_document("[a]\nb = 1\nb = 2\n");
  ASSERT_FALSE(root.has_value());
  EXPECT_EQ(root.error().where.line, 3U);
}

TEST(Document, RefusesNestingWithoutABound) {
  EXPECT_FALSE(parse_document("a = " + std::string(100'000, '[')).has_value());
}

TEST(Document, IsEmptyForAnEmptyText) {
  const auto root = parse_document("");
  ASSERT_TRUE(root.has_value());
  EXPECT_TRUE(root->table()->empty());
}

}  // namespace
}  // namespace fanfare::config
