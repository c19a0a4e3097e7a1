// Where a body ends (RFC 9112 §6, §7) and where the next request begins (§9).
#include <string>
#include <string_view>

#include "tests/wire/h1/request_cases.h"

namespace fanfare::h1 {

namespace {

using std::string_literals::operator""s;

const std::string kPlain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kChunked = "Transfer-Encoding: chunked\r\n";

std::string sized(const std::string& length, const std::string& body = "hello") {
  return with_body("Content-Length: " + length + "\r\n", body);
}
std::string encoded(const std::string& coding) {
  return with_body("Transfer-Encoding: " + coding + "\r\n", "0\r\n\r\n");
}
std::string chunks(const std::string& body) {
  return with_body(kChunked, body);
}

}  // namespace

std::vector<Case> framing_cases() {
  return {
      // Content-Length.
      {"a length", sized("5"), "ok(hello)"},
      {"a length of nothing", sized("0", ""), "ok"},
      {"a length with zeros before it", sized("0005"), "ok(hello)"},
      {"a length with blanks around it", sized(" 5\t"), "ok(hello)"},
      {"a length in another case", with_body("cONTENT-lENGTH: 5\r\n", "hello"), "ok(hello)"},
      {"a body of a GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
       "ok(hello)"},
      {"a body of NUL and controls", sized("5", "\0\r\n\x7f\xff"s), "ok(\0\r\n\x7f\xff)"s},
      {"a body that is not complete", sized("5", "hell"), "more"},
      {"a body that is longer than its length", sized("5", "hello!"), "ok(hello) more"},
      {"a length at the limit", sized("64", run_of(64)), "ok(" + run_of(64) + ")"},
      {"a length beyond the limit", sized("65"), "413"},
      {"a length of 2^63", sized("9223372036854775808"), "413"},
      {"a length of 2^64", sized("18446744073709551616"), "413"},
      {"a length of 2^64 + 5", sized("18446744073709551621"), "413"},
      {"a length of forty digits", sized(run_of(40, '9')), "413"},
      {"a length of forty zeros", sized(run_of(40, '0'), ""), "ok"},
      {"an empty length", sized(""), "400"},
      {"a negative length", sized("-5"), "400"},
      {"a length with a plus", sized("+5"), "400"},
      {"a hexadecimal length", sized("0x5"), "400"},
      {"a length with a letter", sized("5a"), "400"},
      {"a length with a fraction", sized("5.0"), "400"},
      {"a length with an exponent", sized("5e0"), "400"},
      {"a length with an underscore", sized("1_0"), "400"},
      {"a length of two numbers", sized("5 5"), "400"},
      {"a length of two equal numbers in a list", sized("5, 5"), "400"},
      {"a length of two numbers in a list", sized("5, 6"), "400"},
      {"a length with a comma", sized("5,"), "400"},
      {"a length in quotes", sized("\"5\""), "400"},
      {"a length in other digits", sized("\xd9\xa5"), "400"},
      {"two equal lengths", with_body("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
       "400"},
      {"two lengths", with_body("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), "400"},
      {"a length, then zero", with_body("Content-Length: 5\r\nContent-Length: 0\r\n", "hello"),
       "400"},
      {"two lengths in different case",
       with_body("Content-Length: 5\r\ncontent-length: 5\r\n", "hello"), "400"},
      {"a length with a space before the colon", with_body("Content-Length : 5\r\n", "hello"),
       "400"},
      {"a length with an underscore in its name is another field",
       with_body("Content_Length: 5\r\n", ""), "ok"},
      // Transfer-Encoding.
      {"chunked", encoded("chunked"), "ok"},
      {"chunked in another case", encoded("ChUnKeD"), "ok"},
      {"chunked with blanks around it", encoded(" \tchunked "), "ok"},
      {"chunked twice in a list", encoded("chunked, chunked"), "400"},
      {"chunked in two fields", with_body(kChunked + kChunked, "0\r\n\r\n"), "400"},
      {"chunked, then identity",
       with_body(kChunked + "Transfer-Encoding: identity\r\n", "0\r\n\r\n"), "400"},
      {"gzip before chunked", encoded("gzip, chunked"), "501"},
      {"gzip and deflate before chunked", encoded("gzip, deflate,chunked"), "501"},
      {"an unknown coding before chunked", encoded("frob, chunked"), "501"},
      {"identity before chunked", encoded("identity, chunked"), "501"},
      {"chunked before gzip", encoded("chunked, gzip"), "400"},
      {"chunked before gzip before chunked", encoded("chunked, gzip, chunked"), "400"},
      {"gzip", encoded("gzip"), "400"},
      {"identity", encoded("identity"), "400"},
      {"an empty coding", encoded(""), "400"},
      {"a comma before chunked", encoded(", chunked"), "400"},
      {"a comma behind chunked", encoded("chunked,"), "400"},
      {"chunked with a parameter", encoded("chunked;q=1"), "400"},
      {"chunked in quotes", encoded("\"chunked\""), "400"},
      {"chunked with a letter before it", encoded("xchunked"), "400"},
      {"chunked with a letter behind it", encoded("chunkedx"), "400"},
      {"chunked with a vertical tab before it",
       encoded("\x0b"
               "chunked"),
       "400"},
      {"chunked with a vertical tab behind it", encoded("chunked\x0b"), "400"},
      {"chunked with a NUL behind it", encoded("chunked\0"s), "400"},
      {"chunked with a byte above 0x7f",
       encoded("\xa0"
               "chunked"),
       "400"},
      {"chunked with a long s", encoded("chunke\xc5\xbf"), "400"},
      {"chunked of another charset", encoded("c\xc4\xa5unked"), "400"},
      {"chunked in a fold", with_body("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), "400"},
      {"chunked behind LF alone", with_body("x: y\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
       "400"},
      {"chunked behind CR alone", with_body("x: y\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
       "400"},
      {"chunked with a space before the colon",
       with_body("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), "400"},
      {"chunked with a NUL in the name",
       with_body("Transfer\0-Encoding: chunked\r\n"s, "0\r\n\r\n"), "400"},
      {"chunked with an underscore in the name is another field",
       with_body("Transfer_Encoding: chunked\r\n", ""), "ok"},
      {"chunked on HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\n" + kChunked + "\r\n0\r\n\r\n", "400"},
      {"chunked on HTTP/1.2", "POST / HTTP/1.2\r\nHost: a\r\n" + kChunked + "\r\n0\r\n\r\n", "ok"},
      {"chunked of a GET", "GET / HTTP/1.1\r\nHost: a\r\n" + kChunked + "\r\n1\r\na\r\n0\r\n\r\n",
       "ok(a)"},
      // Both.
      {"a length and chunked", with_body("Content-Length: 5\r\n" + kChunked, "0\r\n\r\n"), "400"},
      {"chunked and a length", with_body(kChunked + "Content-Length: 5\r\n", "0\r\n\r\n"), "400"},
      {"chunked and a length of nothing",
       with_body(kChunked + "Content-Length: 0\r\n", "0\r\n\r\n"), "400"},
      {"chunked and an invalid length", with_body(kChunked + "Content-Length: x\r\n", "0\r\n\r\n"),
       "400"},
      {"a length and an unknown coding",
       with_body("Content-Length: 5\r\nTransfer-Encoding: x\r\n", "hello"), "400"},
      {"a length and an empty coding",
       with_body("Content-Length: 5\r\nTransfer-Encoding:\r\n", "hello"), "400"},
      {"chunked and a length on HTTP/1.0",
       "POST / HTTP/1.0\r\nContent-Length: 5\r\n" + kChunked + "\r\nhello", "400"},
  };
}

std::vector<Case> chunk_cases() {
  return {
      {"one chunk", chunks("5\r\nhello\r\n0\r\n\r\n"), "ok(hello)"},
      {"two chunks", chunks("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), "ok(hello)"},
      {"a size in upper case", chunks("A\r\n0123456789\r\n0\r\n\r\n"), "ok(0123456789)"},
      {"a size in lower case", chunks("a\r\n0123456789\r\n0\r\n\r\n"), "ok(0123456789)"},
      {"a size with zeros before it", chunks("0005\r\nhello\r\n000\r\n\r\n"), "ok(hello)"},
      {"a size of sixteen digits", chunks("0000000000000005\r\nhello\r\n0\r\n\r\n"), "ok(hello)"},
      {"a size of seventeen digits", chunks("00000000000000005\r\nhello\r\n0\r\n\r\n"), "400"},
      {"data of line ends", chunks("4\r\n\r\n\r\n\r\n0\r\n\r\n"), "ok(\r\n\r\n)"},
      {"data like a last chunk", chunks("5\r\n0\r\n\r\n\r\n0\r\n\r\n"), "ok(0\r\n\r\n)"},
      {"data at the limit", chunks("40\r\n" + run_of(64) + "\r\n0\r\n\r\n"),
       "ok(" + run_of(64) + ")"},
      {"data beyond the limit", chunks("41\r\n"), "413"},
      {"two chunks beyond the limit", chunks("3f\r\n" + run_of(63) + "\r\n2\r\n"), "413"},
      {"a size of 2^64", chunks("10000000000000000\r\n"), "413"},
      {"a size of 2^64 - 1", chunks("ffffffffffffffff\r\n"), "413"},
      {"a size of 2^63", chunks("8000000000000000\r\n"), "413"},
      {"a size that would wrap to five", chunks("10000000000000005\r\nhello\r\n0\r\n\r\n"), "413"},
      {"an empty size", chunks("\r\nhello\r\n"), "400"},
      {"a size with 0x", chunks("0x5\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a size with a sign", chunks("+5\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a negative size", chunks("-5\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a size that is no number", chunks("xyz\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a size with an underscore", chunks("0_5\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a blank before a size", chunks(" 5\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a blank behind a size", chunks("5 \r\nhello\r\n0\r\n\r\n"), "400"},
      {"a tab behind a size", chunks("5\t\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a word behind a size", chunks("5 x\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a size that ends with LF", chunks("5\nhello\r\n0\r\n\r\n"), "400"},
      {"a size that ends with CR", chunks("5\rhello\r\n0\r\n\r\n"), "400"},
      {"a size that ends with CR CR LF", chunks("5\r\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a size with NUL", chunks("5\0\r\nhello\r\n0\r\n\r\n"s), "400"},
      {"data longer than its size", chunks("5\r\nhello!\r\n0\r\n\r\n"), "400"},
      {"data shorter than its size", chunks("6\r\nhello\r\n0\r\n\r\n"), "400"},
      {"data that ends with LF", chunks("5\r\nhello\n0\r\n\r\n"), "400"},
      {"data that ends with CR", chunks("5\r\nhello\r0\r\n\r\n"), "400"},
      {"data that ends with nothing", chunks("5\r\nhello0\r\n\r\n"), "400"},
      {"data that ends with two bytes of its own", chunks("5\r\nhelloXX0\r\n\r\n"), "400"},
      {"a body without a last chunk", chunks("5\r\nhello\r\n"), "more"},
      {"a last chunk without its end", chunks("0\r\n"), "more"},
      {"a last chunk that ends with LF", chunks("0\n\n"), "400"},
      {"a last chunk and LF alone", chunks("0\r\n\n"), "400"},
      {"a last chunk and CR alone", chunks("0\r\n\rX"), "400"},
      {"a last chunk of many zeros", chunks("0000000000000000\r\n\r\n"), "ok"},
      // Extensions (§7.1.1).
      {"an extension", chunks("5;a\r\nhello\r\n0\r\n\r\n"), "ok(hello)"},
      {"an extension with a value", chunks("5;a=b\r\nhello\r\n0;c=d\r\n\r\n"), "ok(hello)"},
      {"a quoted value", chunks("5;a=\"b c\"\r\nhello\r\n0\r\n\r\n"), "ok(hello)"},
      {"a quoted value with a semicolon", chunks("5;a=\"b;c=\"\r\nhello\r\n0\r\n\r\n"),
       "ok(hello)"},
      {"a quoted value with an escape", chunks("5;a=\"\\\"\\\\\"\r\nhello\r\n0\r\n\r\n"),
       "ok(hello)"},
      {"an empty quoted value", chunks("5;a=\"\"\r\nhello\r\n0\r\n\r\n"), "ok(hello)"},
      {"two extensions", chunks("5;a=b;c\r\nhello\r\n0\r\n\r\n"), "ok(hello)"},
      {"bad whitespace around an extension", chunks("5 ; a = b ; c\r\nhello\r\n0\r\n\r\n"),
       "ok(hello)"},
      {"bad whitespace behind an extension", chunks("5;a \r\nhello\r\n0\r\n\r\n"), "400"},
      {"bad whitespace behind a value", chunks("5;a=b \r\nhello\r\n0\r\n\r\n"), "400"},
      {"a second value", chunks("5;a=b=c\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a second value behind a blank", chunks("5;a=b =c\r\nhello\r\n0\r\n\r\n"), "400"},
      {"an extension without a name", chunks("5;\r\nhello\r\n0\r\n\r\n"), "400"},
      {"an extension with a value and no name", chunks("5;=b\r\nhello\r\n0\r\n\r\n"), "400"},
      {"an extension without a value", chunks("5;a=\r\nhello\r\n0\r\n\r\n"), "400"},
      {"an extension with a bracket", chunks("5;a[]\r\nhello\r\n0\r\n\r\n"), "400"},
      {"an extension with LF alone", chunks("5;a\nhello\r\n0\r\n\r\n"), "400"},
      {"an extension with CR alone", chunks("5;a\rb\r\nhello\r\n0\r\n\r\n"), "400"},
      {"an extension with NUL", chunks("5;a\0\r\nhello\r\n0\r\n\r\n"s), "400"},
      {"a quoted value with LF alone", chunks("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a quoted value with CR LF", chunks("5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a quoted value with an escaped LF", chunks("5;a=\"\\\n\"\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a quoted value without its end", chunks("5;a=\"b\r\nhello\r\n0\r\n\r\n"), "400"},
      {"a word behind a quoted value", chunks("5;a=\"b\"c\r\nhello\r\n0\r\n\r\n"), "400"},
      {"an extension at the limit", chunks("5;" + run_of(24) + "\r\nhello\r\n0\r\n\r\n"),
       "ok(hello)"},
      {"an extension beyond the limit", chunks("5;" + run_of(25) + "\r\nhello\r\n0\r\n\r\n"),
       "413"},
      {"many short extensions", chunks("1;aaaaaaaaa\r\nx\r\n1;aaaaaaaaa\r\nx\r\n1;aaaaaaaaa\r\n"),
       "413"},
      {"an extension without end", chunks("5;" + run_of(2000)), "413"},
      // Trailers (§7.1.2).
      {"a trailer", chunks("0\r\na: b\r\n\r\n"), "ok"},
      {"two trailers", chunks("0\r\na: b\r\nc:\r\n\r\n"), "ok"},
      {"a trailer that would be a length", chunks("0\r\nContent-Length: 5\r\n\r\n"), "ok"},
      {"a trailer that would be a coding", chunks("0\r\nTransfer-Encoding: x\r\n\r\n"), "ok"},
      {"a trailer without a name", chunks("0\r\n: b\r\n\r\n"), "400"},
      {"a trailer without a colon", chunks("0\r\na\r\n\r\n"), "400"},
      {"a trailer with a space before the colon", chunks("0\r\na : b\r\n\r\n"), "400"},
      {"a trailer with a fold", chunks("0\r\na: b\r\n c\r\n\r\n"), "400"},
      {"a trailer that ends with LF", chunks("0\r\na: b\n\r\n"), "400"},
      {"a trailer that ends with CR", chunks("0\r\na: b\rc: d\r\n\r\n"), "400"},
      {"a trailer with NUL", chunks("0\r\na: \0\r\n\r\n"s), "400"},
      {"a trailer with a control in its name", chunks("0\r\na\x01: b\r\n\r\n"), "400"},
      {"a request for a trailer", chunks("0\r\nGET / HTTP/1.1\r\n\r\n"), "400"},
      {"trailers at the limit", chunks("0\r\na: " + run_of(33) + "\r\n\r\n"), "ok"},
      {"trailers beyond the limit", chunks("0\r\na: " + run_of(34) + "\r\n\r\n"), "431"},
      {"a trailer without end", chunks("0\r\na: " + run_of(2000)), "431"},
  };
}

std::vector<Case> pipeline_cases() {
  return {
      {"two requests", kPlain + kPlain, "ok ok"},
      {"three requests", kPlain + kPlain + kPlain, "ok ok ok"},
      {"a request and an empty line and a request", kPlain + "\r\n" + kPlain, "ok ok"},
      {"a request and two empty lines", kPlain + "\r\n\r\n" + kPlain, "ok 400"},
      {"a request and LF", kPlain + "\n" + kPlain, "ok 400"},
      {"a request and half a request", kPlain + "GET", "ok more"},
      {"a request and rubbish", kPlain + "\x01\x02", "ok 400"},
      {"a sized body and a request", sized("5") + kPlain, "ok(hello) ok"},
      {"chunks and a request", chunks("1\r\na\r\n0\r\n\r\n") + kPlain, "ok(a) ok"},
      {"chunks with a trailer and a request", chunks("0\r\na: b\r\n\r\n") + kPlain, "ok ok"},
      {"a length of nothing and a request", sized("0", "") + kPlain, "ok ok"},
      {"a body that looks like a request", sized("27", kPlain) + kPlain, "ok(" + kPlain + ") ok"},
      {"a body without a length is the next request", with_body("", "hello"), "ok more"},
      {"a request smuggled behind two lengths",
       with_body("Content-Length: 0\r\nContent-Length: 27\r\n", kPlain), "400"},
      {"a request smuggled behind chunks and a length",
       with_body(kChunked + "Content-Length: 5\r\n", "0\r\n\r\n" + kPlain), "400"},
      {"an expectation", with_body("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello"),
       "ok(hello)"},
      {"an expectation in another case",
       with_body("expect: 100-Continue\r\nContent-Length: 5\r\n", "hello"), "ok(hello)"},
      {"an expectation without a body", with_fields("Expect: 100-continue\r\n"), "ok"},
      {"an unknown expectation", with_fields("Expect: the-best\r\n"), "417"},
      {"an unknown expectation on HTTP/1.0", "GET / HTTP/1.0\r\nExpect: x\r\n\r\n", "ok"},
      {"keep-alive on HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + kPlain,
       "ok ok"},
      {"an offer to upgrade to h2c", with_fields("Connection: HTTP2-Settings\r\nUpgrade: h2c\r\n"),
       "ok"},
  };
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto& part : {request_line_cases(), target_cases(), field_cases(), host_cases(),
                           framing_cases(), chunk_cases(), pipeline_cases()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::string with_fields(std::string_view lines) {
  return std::string("GET / HTTP/1.1\r\nHost: a\r\n").append(lines).append("\r\n");
}

std::string with_body(std::string_view lines, std::string_view body) {
  return std::string("POST / HTTP/1.1\r\nHost: a\r\n").append(lines).append("\r\n").append(body);
}

std::string run_of(std::size_t count, char c) {
  return std::string(count, c);
}

}  // namespace fanfare::h1
