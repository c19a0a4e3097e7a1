#include "broker/server/sockets/connection.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

namespace fanfare::server {
namespace {

TEST(ConnectionTable, ReusesTheLowestSlotFirst) {
  ConnectionTable table(8);
  for (io::Slot slot = 0; slot < 4; ++slot) EXPECT_EQ(table.allocate(), slot);
  table.free(2);
  table.free(0);
  EXPECT_EQ(table.allocate(), 0U);
  EXPECT_EQ(table.allocate(), 2U);
  EXPECT_EQ(table.allocate(), 4U);
  EXPECT_EQ(table.in_use(), 5U);
}

TEST(ConnectionTable, DoesNotFindAnEarlierLifeOfASlot) {
  ConnectionTable table(2);
  const io::Slot slot = table.allocate();
  table[slot].state = State::reading;
  const io::Token old = table.token(Op::receive, slot);
  EXPECT_NE(table.find(old), nullptr);
  table.free(slot);
  EXPECT_EQ(table.find(old), nullptr);
  table[table.allocate()].state = State::reading;
  EXPECT_EQ(table.find(old), nullptr) << "the slot is in use again, by somebody else";
}

// A token has room for 24 bits of it, and generation 0 is that of listeners.
TEST(ConnectionTable, CountsGenerationsInTheBitsOfATokenAndSkipsZero) {
  ConnectionTable table(2);
  const io::Slot slot = table.allocate();
  table[slot].generation = 0xffffff;
  table[slot].state = State::reading;
  const io::Token last = table.token(Op::send, slot);
  EXPECT_EQ(io::Token::unpack(last.pack()), last);
  EXPECT_NE(table.find(io::Token::unpack(last.pack())), nullptr);
  table.free(slot);
  EXPECT_EQ(table.allocate(), slot);
  table[slot].state = State::reading;
  EXPECT_EQ(table[slot].generation, 1U);
  const io::Token first = table.token(Op::send, slot);
  EXPECT_EQ(table.find(last), nullptr);
  EXPECT_NE(table.find(io::Token::unpack(first.pack())), nullptr);
}

TEST(ConnectionTable, DoesNotFindWhatIsBeyondItsEnd) {
  ConnectionTable table(2);
  EXPECT_EQ(table.find({.kind = 0, .generation = 1, .index = 7}), nullptr);
}

TEST(PackedAddress, ShowsAnIpv4AddressAsOne) {
  io::PeerAddress address;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(4711);
  in.sin_addr.s_addr = htonl(0x7f000001);
  std::memcpy(&address.storage, &in, sizeof in);
  address.size = sizeof in;
  EXPECT_EQ(PackedAddress::from(address).text(), "127.0.0.1:4711");
  EXPECT_EQ(PackedAddress::from(io::PeerAddress{}).text(), "local");
}

}  // namespace
}  // namespace fanfare::server
