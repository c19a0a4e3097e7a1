#include "common/intrusive.h"

#include <gtest/gtest.h>

#include <utility>

namespace fanfare {
namespace {

// Counts its references as the real ones do, but stays to be looked at.
struct Counted {
  int references = 0;
  bool destroyed = false;
  int value = 7;

  void retain() { ++references; }
  void release() { destroyed = --references == 0; }
};

TEST(Ref, CountsWhatItHolds) {
  Counted object;
  {
    const Ref<Counted> ref(&object);
    EXPECT_EQ(object.references, 1);
    const Ref<Counted> copy = ref;
    EXPECT_EQ(object.references, 2);
    EXPECT_EQ(copy, ref);
  }
  EXPECT_EQ(object.references, 0);
  EXPECT_TRUE(object.destroyed);
}

TEST(Ref, AdoptsAReferenceThatIsCountedAlready) {
  Counted object;
  object.retain();
  {
    const auto ref = Ref<Counted>::adopt(&object);
    EXPECT_EQ(object.references, 1);
  }
  EXPECT_TRUE(object.destroyed);
}

TEST(Ref, HandsItsReferenceOnWhenItIsMoved) {
  Counted object;
  Ref<Counted> from(&object);
  Ref<Counted> to(std::move(from));
  EXPECT_EQ(object.references, 1);
  EXPECT_FALSE(from);  // NOLINT(bugprone-use-after-move): empty is what it promises to be
  EXPECT_EQ(to.get(), &object);
  from = std::move(to);
  EXPECT_EQ(object.references, 1);
  EXPECT_EQ(from.get(), &object);
}

TEST(Ref, ReleasesWhatItHeldWhenItIsAssignedTo) {
  Counted first;
  Counted second;
  Ref<Counted> ref(&first);
  ref = Ref<Counted>(&second);
  EXPECT_TRUE(first.destroyed);
  EXPECT_EQ(second.references, 1);
  ref = {};
  EXPECT_TRUE(second.destroyed);
}

TEST(Ref, SurvivesBeingAssignedToItself) {
  Counted object;
  Ref<Counted> ref(&object);
  const Ref<Counted>& same = ref;
  ref = same;
  EXPECT_EQ(object.references, 1);
  EXPECT_FALSE(object.destroyed);
}

TEST(Ref, MayHoldNothing) {
  const Ref<Counted> none;
  EXPECT_FALSE(none);
  EXPECT_EQ(none.get(), nullptr);
  const Ref<Counted> copy = none;
  EXPECT_EQ(copy, none);
  EXPECT_FALSE(Ref<Counted>(nullptr));
}

TEST(Ref, IsUsedAsAPointerIs) {
  Counted object;
  const Ref<Counted> ref(&object);
  EXPECT_TRUE(ref);
  EXPECT_EQ(ref->value, 7);
  EXPECT_EQ(&*ref, &object);
}

}  // namespace
}  // namespace fanfare
