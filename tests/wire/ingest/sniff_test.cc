// sniff: three dialects on one socket, recognised by the first token, however slowly it comes.
#include "broker/wire/ingest/sniff.h"

#include <gtest/gtest.h>

#include <string>

namespace fanfare::ingest {
namespace {

// Byte by byte: undecided up to some point, then one verdict for good.
Dialect sniff_slowly(std::string_view bytes) {
  Dialect verdict = Dialect::undecided;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const Dialect now = sniff(bytes.substr(0, size));
    if (verdict != Dialect::undecided) {
      EXPECT_EQ(now, verdict) << bytes.substr(0, size);
    }
    verdict = now;
  }
  return verdict;
}

TEST(Sniff, KnowsHttpByItsMethodAndASpace) {
  for (const char* line : {"GET / HTTP/1.1\r\n", "POST /publish/a HTTP/1.1\r\n", "PUT /publish/a ",
                           "DELETE /channels/a ", "HEAD / ", "OPTIONS * ", "QUERY /x ", "PATCH /x ",
                           "CONNECT x:1 ", "TRACE / ", "PRI * HTTP/2.0\r\n\r\nSM"}) {
    EXPECT_EQ(sniff_slowly(line), Dialect::http) << line;
  }
}

TEST(Sniff, KnowsRespByItsArraysAndByWordsThatAreNoMethod) {
  for (const char* line : {"*3\r\n$7\r\nPUBLISH", "PUBLISH news hello\r\n", "publish news hello\n",
                           "PING\r\n", "PING\n", "get x\r\n", "PUB subject 5\r\n", "GET\r\n",
                           "SSE.FINISH news\r\n", "PRINT x\n", "POSTS x\n"}) {
    EXPECT_EQ(sniff_slowly(line), Dialect::resp) << line;
  }
}

TEST(Sniff, KnowsNdjsonByItsBrace) {
  EXPECT_EQ(sniff_slowly("{\"channel\""), Dialect::ndjson);
  EXPECT_EQ(sniff_slowly("[{\"channel\""), Dialect::ndjson);
}

TEST(Sniff, SkipsBlankLinesAndIndentation) {
  EXPECT_EQ(sniff_slowly("\r\n\r\n*1\r\n"), Dialect::resp);
  EXPECT_EQ(sniff_slowly("\n  {"), Dialect::ndjson);
  EXPECT_EQ(sniff_slowly("\r\nGET / "), Dialect::http);
}

// Editors of Windows put it before what they save.
TEST(Sniff, SkipsAByteOrderMark) {
  EXPECT_EQ(sniff_slowly("\xef\xbb\xbf{"), Dialect::ndjson);
  EXPECT_EQ(sniff_slowly("\xef\xbb\xbf\r\n {"), Dialect::ndjson);
  EXPECT_EQ(sniff_slowly("\xef\xbb\xbfPUBLISH a b\r\n"), Dialect::resp);
  EXPECT_EQ(sniff_slowly("\xef\xbb\xbf*3\r\n"), Dialect::resp);
  EXPECT_EQ(sniff_slowly("\xef\xbb\xbfPOST / HTTP/1.1\r\n"), Dialect::http);
}

TEST(Sniff, NamesUtf16) {
  for (const std::string_view bytes :
       {std::string_view("\xff\xfe{\0", 4), std::string_view("\xfe\xff\0{", 4)}) {
    EXPECT_EQ(sniff_slowly(bytes), Dialect::unknown);
    EXPECT_EQ(unknown_dialect_answer(bytes),
              "-ERR this is UTF-16, as its byte order mark says: save or send it as UTF-8\r\n");
  }
}

TEST(Sniff, LeavesAWordUndecidedUntilItEnds) {
  EXPECT_EQ(sniff(""), Dialect::undecided);
  EXPECT_EQ(sniff("P"), Dialect::undecided);
  EXPECT_EQ(sniff("GET"), Dialect::undecided);
  EXPECT_EQ(sniff("\r\n"), Dialect::undecided);
}

TEST(Sniff, RefusesWhatIsNoText) {
  for (const char* bytes : {"\x16\x03\x01", "\xef\xbb\xbf\xef\xbb\xbf{", "\xef{", "$5\r\n",
                            "+OK\r\n", "\x01", "GET\x01", "\"a\"", "<xml>", "123"}) {
    EXPECT_EQ(sniff_slowly(bytes), Dialect::unknown) << bytes;
  }
  EXPECT_EQ(sniff(std::string_view("\0\0", 2)), Dialect::unknown);
}

TEST(Sniff, GivesUpOnAWordOrBlanksWithoutEnd) {
  EXPECT_EQ(sniff(std::string(kSniffBytesMax, 'a')), Dialect::unknown);
  EXPECT_EQ(sniff(std::string(kSniffBytesMax, '\n')), Dialect::unknown);
  EXPECT_EQ(sniff(std::string(kSniffBytesMax - 1, 'a')), Dialect::undecided);
}

TEST(Sniff, SaysInOneLineWhatThisSocketSpeaks) {
  const std::string_view answer = unknown_dialect_answer("\x16\x03\x01");
  EXPECT_TRUE(answer.starts_with("-ERR "));
  EXPECT_EQ(answer.find("\r\n"), answer.size() - 2);
}

}  // namespace
}  // namespace fanfare::ingest
