// Records, against another Records that plays the client, and against records that no client makes.
#include "broker/wire/tls/records.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/wire/split.h"

namespace fanfare::tls {
namespace {

using State = Records::State;

constexpr Cipher kCipher = Cipher::aes_128_gcm;
const std::string kServerSecret(32, 's');
const std::string kClientSecret(32, 'c');

class RecordsTest : public testing::Test {
 protected:
  // Sealed as the client's next record, whatever it is.
  std::string sealed(unsigned char type, std::string_view said) {
    std::string record("\x17\3\3", 3);
    const std::size_t size = said.size() + 1 + kTagBytes;
    record += static_cast<char>(size >> 8U);
    record += static_cast<char>(size & 0xffU);
    std::string body(size, '\0');
    aead.seal(kCipher, keys.key(), keys.nonce(), record, said, type, body.data());
    keys.count_record();
    return record + body;
  }
  // The last record of `out`, opened with the server's keys: its text, and its type behind it.
  std::string answered() {
    TrafficKeys at(kCipher, kServerSecret);
    std::string opened;
    for (std::string_view rest = out; !rest.empty();) {
      const std::size_t size = static_cast<unsigned char>(rest[3]) * 256U +
                               static_cast<unsigned char>(rest[4]) + kRecordHeaderBytes;
      const std::string_view record = rest.substr(0, size);
      opened.resize(size - kRecordHeaderBytes - kTagBytes);
      EXPECT_TRUE(aead.open(kCipher, at.key(), at.nonce(), record.substr(0, kRecordHeaderBytes),
                            record.substr(kRecordHeaderBytes), opened.data()));
      at.count_record();
      if (opened.ends_with('\x16')) at.update(kCipher);
      rest.remove_prefix(size);
    }
    return opened;
  }
  State feed(std::string_view bytes) { return server.received(aead, bytes, text, out); }

  Aead aead;
  TrafficKeys keys{kCipher, kClientSecret};
  Records server{kCipher, kServerSecret, kClientSecret, 0};
  std::string text, out;
};

TEST_F(RecordsTest, ReadWhatTheOtherSideWrites) {
  Records client(kCipher, kClientSecret, kServerSecret, 0);
  std::string cipher, read, answer;
  server.send(aead, "hello", cipher);
  EXPECT_EQ(client.received(aead, cipher, read, answer), State::open);
  EXPECT_EQ(read, "hello");
  cipher.clear();
  client.send(aead, "and back", cipher);
  client.send_close_notify(aead, cipher);
  EXPECT_EQ(feed(cipher), State::ended);
  EXPECT_EQ(text, "and back");
  EXPECT_EQ(out, "");
}

TEST_F(RecordsTest, AreIndifferentToWhereTheInputIsCut) {
  const std::string input = sealed(23, "one") + sealed(23, std::string("two\0\0", 5)) +
                            sealed(23, "") + sealed(23, std::string(700, 'x')) +
                            sealed(21, std::string_view("\1\0", 2)) + "dropped";
  wire_test::expect_same_for_every_split(input, [&](const wire_test::Cuts& cuts) {
    Records records(kCipher, kServerSecret, kClientSecret, 0);
    std::string read, answer;
    wire_test::feed_in_pieces(
        input, cuts, [&](std::string_view piece) { records.received(aead, piece, read, answer); });
    return read + '|' + answer + '|' + std::to_string(static_cast<int>(records.state()));
  });
}

TEST_F(RecordsTest, DoNotTakePaddingForText) {
  std::string padded = "text";
  padded += static_cast<char>(23);
  padded += std::string(20, '\0');
  EXPECT_EQ(feed(sealed(0, padded)), State::open);
  EXPECT_EQ(text, "text");
  EXPECT_EQ(feed(sealed(0, std::string(40, '\0'))), State::failed) << "a record without a type";
  EXPECT_EQ(server.failure(), Failure::malformed);
  EXPECT_EQ(text, "text");
}

TEST_F(RecordsTest, RefuseEveryTypeThatHasNoPlaceHere) {
  for (const unsigned char type : {20, 24, 99}) {
    Records fresh(kCipher, kServerSecret, kClientSecret, 0);
    TrafficKeys start(kCipher, kClientSecret);
    std::string record("\x17\3\3\0\x12", 5);
    std::string body(18, '\0');
    aead.seal(kCipher, start.key(), start.nonce(), record, "a", type, body.data());
    EXPECT_EQ(fresh.received(aead, record + body, text, out), State::failed) << int{type};
    EXPECT_EQ(fresh.failure(), Failure::malformed);
  }
}

TEST_F(RecordsTest, BoundRecordsThatSayNothing) {
  for (int i = 0; i < 32; ++i) ASSERT_EQ(feed(sealed(23, "")), State::open);
  EXPECT_EQ(feed(sealed(23, "")), State::failed);
}

TEST_F(RecordsTest, BoundKeyUpdatesWithoutData) {
  int updates = 0;
  while (feed(sealed(22, std::string_view("\x18\0\0\1\1", 5))) == State::open) {
    keys.update(kCipher);
    ASSERT_LT(++updates, 100);
  }
  EXPECT_EQ(updates, 64);
  EXPECT_LT(out.size(), 64U * 30U);
}

// §4.6.3: before what is sent next, and once, however often the peer asks meanwhile. A peer that
// asks and reads nothing would otherwise be kept an answer for each.
TEST_F(RecordsTest, AnswerKeyUpdatesBeforeTheNextText) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(feed(sealed(22, std::string_view("\x18\0\0\1\1", 5))), State::open);
    keys.update(kCipher);
  }
  EXPECT_EQ(out.size(), 0U);
  server.send(aead, "one", out);
  server.send(aead, "two", out);
  EXPECT_EQ(out.size(), 5 + 3 * kRecordExtraBytes + 6) << "one update, and two texts";
  EXPECT_EQ(answered(), "two\x17");
}

// §6.1: nothing follows a close_notify.
TEST_F(RecordsTest, AnswerNoKeyUpdateBehindACloseNotify) {
  server.send_close_notify(aead, out);
  const std::size_t before = out.size();
  EXPECT_EQ(feed(sealed(22, std::string_view("\x18\0\0\1\1", 5))), State::open);
  EXPECT_EQ(out.size(), before);
}

// §5.1: a handshake message may come in several records, with none of another type between them.
TEST_F(RecordsTest, ReadAKeyUpdateThatComesInPieces) {
  const std::string update("\x18\0\0\1\0", 5);
  for (const char byte : update) {
    EXPECT_EQ(feed(sealed(22, std::string_view(&byte, 1))), State::open);
  }
  keys.update(kCipher);
  EXPECT_EQ(feed(sealed(23, "goes on")), State::open);
  EXPECT_EQ(text, "goes on");
  EXPECT_EQ(feed(sealed(22, update.substr(0, 3))), State::open);
  EXPECT_EQ(feed(sealed(23, "between")), State::failed);
  EXPECT_EQ(answered(), std::string_view("\2\x0a\x15", 3)) << "unexpected_message";
  EXPECT_EQ(text, "goes on");
}

TEST_F(RecordsTest, RefuseWhatFollowsAKeyUpdateInItsRecord) {
  EXPECT_EQ(feed(sealed(22, std::string_view("\x18\0\0\1\0\x18", 6))), State::failed);
  EXPECT_EQ(answered(), std::string_view("\2\x0a\x15", 3)) << "unexpected_message";
}

TEST_F(RecordsTest, NameWhatIsWrongWithAKeyUpdate) {
  EXPECT_EQ(feed(sealed(22, std::string_view("\x18\0\0\1\2", 5))), State::failed);
  EXPECT_EQ(answered(), std::string_view("\2\x2f\x15", 3)) << "illegal_parameter (§4.6.3)";
}

TEST_F(RecordsTest, RefuseAlertsAndHandshakeRecordsWithoutContent) {
  for (const unsigned char type : {21, 22}) {
    Records fresh(kCipher, kServerSecret, kClientSecret, 0);
    TrafficKeys start(kCipher, kClientSecret);
    std::string record("\x17\3\3\0\x11", 5);
    std::string body(17, '\0');
    aead.seal(kCipher, start.key(), start.nonce(), record, "", type, body.data());
    out.clear();
    EXPECT_EQ(fresh.received(aead, record + body, text, out), State::failed) << int{type};
    EXPECT_EQ(answered(), std::string_view("\2\x0a\x15", 3)) << "unexpected_message (§5.4)";
  }
}

TEST_F(RecordsTest, BoundAlertsThatSayNothing) {
  for (int i = 0; i < 32; ++i) {
    ASSERT_EQ(feed(sealed(21, std::string_view("\1\x5a", 2))), State::open);
  }
  EXPECT_EQ(feed(sealed(21, std::string_view("\1\x5a", 2))), State::failed);
}

// §5.5.
TEST_F(RecordsTest, TakeTheNextKeyBeforeThisOneIsWornOut) {
  constexpr std::uint64_t kLast = (std::uint64_t{1} << 24U) - 1;
  Records worn(kCipher, kServerSecret, kClientSecret, kLast);
  worn.send(aead, "last", out);
  EXPECT_EQ(out.size(), 4 + kRecordExtraBytes);
  out.clear();
  worn.send(aead, "first", out);
  TrafficKeys at(kCipher, kServerSecret);
  for (std::uint64_t i = 0; i <= kLast; ++i) at.count_record();
  const std::string_view update = std::string_view(out).substr(0, 5 + kRecordExtraBytes);
  std::string opened(6, '\0');
  ASSERT_TRUE(aead.open(kCipher, at.key(), at.nonce(), update.substr(0, kRecordHeaderBytes),
                        update.substr(kRecordHeaderBytes), opened.data()));
  EXPECT_EQ(opened, std::string_view("\x18\0\0\1\0\x16", 6));
  at.update(kCipher);
  const std::string_view record = std::string_view(out).substr(update.size());
  ASSERT_TRUE(aead.open(kCipher, at.key(), at.nonce(), record.substr(0, kRecordHeaderBytes),
                        record.substr(kRecordHeaderBytes), opened.data()));
  EXPECT_EQ(opened, "first\x17");
}

TEST_F(RecordsTest, RefuseOtherHandshakeMessages) {
  EXPECT_EQ(feed(sealed(22, std::string_view("\1\0\0\0", 4))), State::failed);
  EXPECT_EQ(server.failure(), Failure::malformed);
}

TEST_F(RecordsTest, RefuseARecordWithMoreThanItMayHold) {
  EXPECT_EQ(feed(sealed(23, std::string(kRecordTextMax, 'x'))), State::open);
  EXPECT_EQ(feed(sealed(23, std::string(kRecordTextMax + 1, 'x'))), State::failed);
  EXPECT_EQ(server.failure(), Failure::too_large);
  EXPECT_EQ(text.size(), kRecordTextMax);
}

TEST_F(RecordsTest, RefuseARecordThatIsRepeated) {
  const std::string record = sealed(23, "pay");
  EXPECT_EQ(feed(record), State::open);
  EXPECT_EQ(feed(record), State::failed);
  EXPECT_EQ(server.failure(), Failure::bad_record);
  EXPECT_EQ(text, "pay");
}

TEST_F(RecordsTest, EndWithAnAlertOfThePeers) {
  EXPECT_EQ(feed(sealed(21, std::string_view("\1\x5a", 2))), State::open) << "user_canceled";
  EXPECT_EQ(feed(sealed(21, std::string_view("\2\x28", 2))), State::failed);
  EXPECT_EQ(server.failure(), Failure::refused_by_peer);
}

// RFC 8448 §3: the server's application traffic secret, its key and its iv.
TEST(TrafficKeys, AreThoseOfTheRfcsExample) {
  const std::string secret(
      "\xa1\x1a\xf9\xf0\x55\x31\xf8\x56\xad\x47\x11\x6b\x45\xa9\x50\x32\x82\x04\xb4\xf4\x4b\xfb"
      "\x6b\x3a\x4b\x4f\x1f\x3f\xcb\x63\x16\x43",
      32);
  const TrafficKeys keys(Cipher::aes_128_gcm, secret);
  const AeadKey key{0x9f, 0x02, 0x28, 0x3b, 0x6c, 0x9c, 0x07, 0xef,
                    0xc2, 0x6b, 0xb9, 0xf2, 0xac, 0x92, 0xe3, 0x56};
  const Nonce first{0xcf, 0x78, 0x2b, 0x88, 0xdd, 0x83, 0x54, 0x9a, 0xad, 0xf1, 0xe9, 0x84};
  EXPECT_EQ(keys.key(), key);
  EXPECT_EQ(keys.nonce(), first);
}

}  // namespace
}  // namespace fanfare::tls
