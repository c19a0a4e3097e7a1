// What a publisher is answered leaves in order, and none of it before the log has come so far.
#include "broker/server/sockets/replies.h"

#include <gtest/gtest.h>

#include <string>

namespace fanfare::server {
namespace {

std::string taken(Replies& replies, std::uint64_t told) {
  std::string out;
  replies.take(told, out);
  return out;
}

TEST(Replies, LeaveAtOnceWhenTheyWaitForNothing) {
  Replies replies;
  EXPECT_FALSE(replies.ready(0));
  replies.text() += "hello ";
  replies.text() += "there";
  EXPECT_TRUE(replies.ready(0));
  EXPECT_EQ(taken(replies, 0), "hello there");
  EXPECT_TRUE(replies.empty());
  EXPECT_EQ(taken(replies, 9), "");
}

TEST(Replies, LeaveAsFarAsTheLogHasCome) {
  Replies replies;
  replies.text() += "a1 ";
  replies.wait_for(1);
  replies.text() += "b3 ";
  replies.wait_for(3);
  replies.text() += "c3 ";
  replies.wait_for(3);
  replies.text() += "d7 ";
  replies.wait_for(7);
  EXPECT_FALSE(replies.ready(0));
  EXPECT_EQ(taken(replies, 0), "");
  EXPECT_EQ(replies.size(), 12U);
  EXPECT_TRUE(replies.ready(2));
  EXPECT_EQ(taken(replies, 2), "a1 ");
  EXPECT_FALSE(replies.ready(2));
  EXPECT_EQ(taken(replies, 6), "b3 c3 ");
  replies.text() += "e8 ";
  replies.wait_for(8);
  EXPECT_FALSE(replies.ready(6));
  EXPECT_EQ(taken(replies, 7), "d7 ");
  EXPECT_EQ(taken(replies, 8), "e8 ");
  EXPECT_TRUE(replies.empty());
}

TEST(Replies, WhatWaitsForNothingDoesNotOvertakeWhatWaits) {
  Replies replies;
  replies.text() += "ack ";
  replies.wait_for(4);
  replies.text() += "notice ";
  EXPECT_FALSE(replies.ready(3));
  EXPECT_EQ(taken(replies, 4), "ack notice ");
  replies.text() += "notice ";
  EXPECT_TRUE(replies.ready(0)) << "nothing is left that waits";
}

}  // namespace
}  // namespace fanfare::server
