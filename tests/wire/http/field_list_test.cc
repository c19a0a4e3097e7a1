#include "broker/wire/http/field_list.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace fanfare::http {
namespace {

TEST(FieldList, OwnsWhatWasAddedInItsOrder) {
  FieldList fields;
  {
    const std::string name(200, 'n');
    const std::string value(5000, 'v');
    fields.add("A", "");
    fields.add(name, value);
    for (int i = 0; i < 50; ++i) fields.add(fmt::format("X-{}", i), fmt::format("{}", i * i));
  }
  ASSERT_EQ(fields.size(), 52U);
  EXPECT_EQ(fields[0].name, "A");
  EXPECT_EQ(fields[0].value, "");
  EXPECT_EQ(fields[1].value.size(), 5000U);
  EXPECT_EQ(fields[51].name, "X-49");
  EXPECT_EQ(fields[51].value, "2401");
  fields.clear();
  fields.add("B", "b");
  EXPECT_EQ(fields.size(), 1U);
  EXPECT_EQ(fields[0].name, "B");
}

TEST(FieldList, IsAValue) {
  FieldList first;
  first.add("Name", "short");  // it lies inside the object
  FieldList second = std::move(first);
  const FieldList third = second;
  second.clear();
  EXPECT_EQ(third[0].name, "Name");
  EXPECT_EQ(third[0].value, "short");
}

}  // namespace
}  // namespace fanfare::http
