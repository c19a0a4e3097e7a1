// The header of the PROXY protocol: what a front says, and what it must not be mistaken for.
#include "broker/wire/proxy/header_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/wire/split.h"

namespace fanfare::proxy {
namespace {

using std::string_literals::operator""s;
using State = HeaderReader::State;

constexpr std::size_t kBytesMax = 1024;
const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kFour = "\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"s;

// "done 192.0.2.1:5 | rest", however the bytes are cut.
std::string outcome(const std::string& bytes, std::size_t bytes_max = kBytesMax) {
  return wire_test::expect_same_for_every_split(bytes, [&](const wire_test::Cuts& cuts) {
    HeaderReader reader(bytes_max);
    State state = State::more;
    std::string rest;
    wire_test::feed_in_pieces(bytes, cuts, [&](std::string_view piece) {
      if (state == State::more) {
        state = reader.read(piece);
        if (state == State::none) rest = reader.held();
      }
      if (state != State::refused) rest += piece;
    });
    switch (state) {
      case State::more:
        return std::string("more");
      case State::none:
        return "none | " + rest;
      case State::refused:
        return "refused: " + std::string(reader.problem());
      case State::done:
        break;
    }
    const auto source = reader.source();
    return "done " +
           (source ? source->address.text() + ' ' + std::to_string(source->port) : "itself") +
           " | " + rest;
  });
}

std::string binary(char version_and_command, char family, const std::string& rest) {
  const auto size = static_cast<unsigned>(rest.size());
  return kSignature + version_and_command + family + static_cast<char>(size >> 8U) +
         static_cast<char>(size & 0xffU) + rest;
}

TEST(ProxyHeader, AVersion1LineSaysWhoTheClientIs) {
  EXPECT_EQ(outcome("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET /"),
            "done 192.0.2.1 56324 | GET /");
  EXPECT_EQ(outcome("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"), "done 2001:db8::1 1 | ");
  EXPECT_EQ(outcome("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
            "done 255.255.255.255 65535 | ");
}

// §2.1: "the receiver must ignore anything presented before the CRLF is found".
TEST(ProxyHeader, AnUnknownClientIsTheFrontItself) {
  EXPECT_EQ(outcome("PROXY UNKNOWN\r\nGET /"), "done itself | GET /");
  EXPECT_EQ(outcome("PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n"), "done itself | ");
}

TEST(ProxyHeader, AVersion1LineIsReadToTheLetter) {
  for (const std::string line :
       {"TCP4 192.0.2.1 198.51.100.1 1", "TCP4 192.0.2.1 198.51.100.1 1 2 3",
        "TCP4 192.0.2.1 198.51.100.1 1 2 ", "TCP4 192.0.2.1 198.51.100.1 01 2",
        "TCP4 192.0.2.1 198.51.100.1 1 65536", "TCP4 192.0.2.1 198.51.100.1 -1 2",
        "TCP4  192.0.2.1 198.51.100.1 1 2", "TCP4 2001:db8::1 2001:db8::2 1 2",
        "TCP6 192.0.2.1 198.51.100.1 1 2", "TCP4 192.0.2.1 x 1 2", "TCP5 192.0.2.1 192.0.2.2 1 2",
        "tcp4 192.0.2.1 192.0.2.2 1 2", "", "TCP4"}) {
    EXPECT_TRUE(outcome("PROXY " + line + "\r\n").starts_with("refused: ")) << line;
  }
  EXPECT_EQ(outcome("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n"),
            "refused: its line does not end with CR LF");
}

TEST(ProxyHeader, ALineHasABound) {
  EXPECT_EQ(outcome("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n"), "done itself | ");
  EXPECT_EQ(outcome("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"),
            "refused: its line is longer than the 107 bytes that it may have");
  EXPECT_EQ(outcome("PROXY UNKNOWN " + std::string(200, 'x')),
            "refused: its line is longer than the 107 bytes that it may have");
}

TEST(ProxyHeader, AVersion2HeaderSaysWhoTheClientIs) {
  EXPECT_EQ(outcome(binary('\x21', '\x11', kFour) + "GET /"), "done 192.0.2.1 56324 | GET /");
  EXPECT_EQ(outcome(binary('\x21', '\x12', kFour)), "done 192.0.2.1 56324 | ");
  const std::string six = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01"s +
                          std::string(16, '\x02') + "\x00\x07\x00\x50"s;
  EXPECT_EQ(outcome(binary('\x21', '\x21', six) + "x"), "done 2001:db8::1 7 | x");
}

TEST(ProxyHeader, WhatIsNoAddressOfTheInternetIsTheFrontItself) {
  EXPECT_EQ(outcome(binary('\x20', '\x00', "") + "x"), "done itself | x");
  EXPECT_EQ(outcome(binary('\x20', '\x11', kFour) + "x"), "done itself | x") << "LOCAL";
  EXPECT_EQ(outcome(binary('\x20', '\x11', "") + "x"), "done itself | x") << "LOCAL, without";
  EXPECT_EQ(outcome(binary('\x21', '\x00', "abc") + "x"), "done itself | x") << "UNSPEC";
  EXPECT_EQ(outcome(binary('\x21', '\x31', std::string(216, 'u')) + "x"), "done itself | x");
}

TEST(ProxyHeader, TlvsAreSkippedWhateverTheyHold) {
  EXPECT_EQ(outcome(binary('\x21', '\x11',
                           kFour + "\x03\x00\x04"
                                   "CRC!"s) +
                    "x"),
            "done 192.0.2.1 56324 | x");
  EXPECT_EQ(outcome(binary('\x21', '\x11', kFour + std::string(900, '\r')) + "x"),
            "done 192.0.2.1 56324 | x");
}

TEST(ProxyHeader, AVersion2HeaderIsReadToTheLetter) {
  EXPECT_EQ(outcome(binary('\x11', '\x11', kFour)), "refused: its version is not 2");
  EXPECT_EQ(outcome(binary('\x22', '\x11', kFour)),
            "refused: its command is neither LOCAL nor PROXY");
  EXPECT_EQ(outcome(binary('\x21', '\x41', kFour)), "refused: its family is not one that there is");
  EXPECT_EQ(outcome(binary('\x21', '\x13', kFour)), "refused: its family is not one that there is");
  EXPECT_EQ(outcome(binary('\x21', '\x21', kFour)),
            "refused: it is too short for the addresses that it announces");
  EXPECT_EQ(outcome(binary('\x21', '\x11', kFour + std::string(2000, 'x'))),
            "refused: it is too long");
  EXPECT_EQ(outcome(binary('\x21', '\x11', kFour).substr(0, 27)), "more");
}

// A connection may begin with an empty line, or with a method that begins like the word.
TEST(ProxyHeader, WhatIsSomethingElseIsGivenBackWhole) {
  for (const std::string& bytes :
       {"GET / HTTP/1.1\r\n"s, "PROPFIND / HTTP/1.1\r\n"s, "P"s + "UT /"s, "PROXYGEN / HTTP/1.1"s,
        "\r\nGET / HTTP/1.1\r\n"s, "\r\n\r\nGET"s, "\r\n\r\n\0\r\nQUIX"s, "\0"s}) {
    EXPECT_EQ(outcome(bytes), "none | " + bytes);
  }
  for (const std::string& bytes : {""s, "P"s, "PROXY "s, "\r\n"s, kSignature}) {
    EXPECT_EQ(outcome(bytes), "more");
  }
}

}  // namespace
}  // namespace fanfare::proxy
