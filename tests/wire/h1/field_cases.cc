// Field lines (RFC 9112 §5, RFC 9110 §5) and the Host field (RFC 9112 §3.2).
#include <string>
#include <string_view>

#include "tests/wire/h1/request_cases.h"

namespace fanfare::h1 {

namespace {

using std::string_literals::operator""s;

std::string many_fields(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "x: y\r\n";
  return lines;
}

std::string host(const std::string& value) {
  return "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n";
}

}  // namespace

std::vector<Case> field_cases() {
  return {
      // Names.
      {"a field", with_fields("a: b\r\n"), "ok"},
      {"a name of every token character", with_fields("!#$%&'*+-.^_`|~0aZ: b\r\n"), "ok"},
      {"a name of one byte", with_fields("a:b\r\n"), "ok"},
      {"an empty name", with_fields(": b\r\n"), "400"},
      {"a space before the colon", with_fields("a : b\r\n"), "400"},
      {"a tab before the colon", with_fields("a\t: b\r\n"), "400"},
      {"a space in a name", with_fields("a b: c\r\n"), "400"},
      {"a space before a name", with_fields(" a: b\r\n"), "400"},
      {"a name without a colon", with_fields("abc\r\n"), "400"},
      {"a name with a bracket", with_fields("a[]: b\r\n"), "400"},
      {"a name with a slash", with_fields("a/b: c\r\n"), "400"},
      {"a name with an at sign", with_fields("a@b: c\r\n"), "400"},
      {"a name with a quote", with_fields("\"a\": c\r\n"), "400"},
      {"a name with an equals sign", with_fields("a=b: c\r\n"), "400"},
      {"a name with NUL", with_fields("a\0b: c\r\n"s), "400"},
      {"a name with a control", with_fields("a\x02: c\r\n"), "400"},
      {"a name with DEL", with_fields("a\x7f: c\r\n"), "400"},
      {"a name with UTF-8", with_fields("\xc3\xa9: c\r\n"), "400"},
      {"a name with a CR", with_fields("a\rb: c\r\n"), "400"},
      {"a name with an LF", with_fields("a\nb: c\r\n"), "400"},
      {"a name after a byte order mark", with_fields("\xef\xbb\xbfHost: b\r\n"), "400"},
      // Values.
      {"an empty value", with_fields("a:\r\n"), "ok"},
      {"a value of blanks", with_fields("a: \t \r\n"), "ok"},
      {"blanks around a value", with_fields("a: \t b \t\r\n"), "ok"},
      {"no blank before a value", with_fields("a:b\r\n"), "ok"},
      {"a tab in a value", with_fields("a: b\tc\r\n"), "ok"},
      {"colons in a value", with_fields("a: b:c: d\r\n"), "ok"},
      {"R2: UTF-8 in a value", with_fields("Last-Event-ID: \xe4\xbd\xa0\r\n"), "ok"},
      {"R2: an empty Last-Event-ID", with_fields("Last-Event-ID: \r\n"), "ok"},
      {"obs-text in a value", with_fields("a: \x80\xff\r\n"), "ok"},
      {"every visible character in a value",
       with_fields("a: !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\r\n"), "ok"},
      {"a NUL in a value", with_fields("a: b\0c\r\n"s), "400"},
      {"a NUL at the front of a value", with_fields("a:\0b\r\n"s), "400"},
      {"a NUL eight bytes on", with_fields("a: 0123456789\0abcdefgh\r\n"s), "400"},
      {"a control in a value", with_fields("a: b\x01\r\n"), "400"},
      {"an escape character in a value", with_fields("a: \x1b[31m\r\n"), "400"},
      {"a vertical tab in a value", with_fields("a: b\x0b\r\n"), "400"},
      {"a form feed in a value",
       with_fields("a: b\x0c"
                   "c\r\n"),
       "400"},
      {"a backspace in a value", with_fields("a: b\b\r\n"), "400"},
      {"a DEL in a value", with_fields("a: b\x7f\r\n"), "400"},
      {"a DEL in a long value",
       with_fields("a: 01234567\x7f"
                   "01234567\r\n"),
       "400"},
      {"a tab in a long value", with_fields("a: 0123456\t01234567\t\t0123456789\r\n"), "ok"},
      // Line ends and folds.
      {"a field that ends with LF", with_fields("a: b\n"), "400"},
      {"a field that ends with CR", with_fields("a: b\rc: d\r\n"), "400"},
      {"a field that ends with CR CR LF", with_fields("a: b\r\r\n"), "400"},
      {"an empty field that ends with LF", with_fields("a:\n"), "400"},
      {"an LF hidden in a value", with_fields("a: b\nc: d\r\n"), "400"},
      {"a CR hidden in a value", with_fields("a: b\rc\r\n"), "400"},
      {"a CR alone in a long value", with_fields("a: 0123456789\rabcdefgh\r\n"), "400"},
      {"a fold of a space", with_fields("a: b\r\n c\r\n"), "400"},
      {"a fold of a tab", with_fields("a: b\r\n\tc\r\n"), "400"},
      {"a fold of nothing", with_fields("a: b\r\n \r\n"), "400"},
      {"a fold behind an empty value", with_fields("a:\r\n b\r\n"), "400"},
      {"a fold behind the request line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"},
      {"a fold that hides a length", with_fields("a: b\r\n Content-Length: 5\r\n"), "400"},
      {"a head that ends with LF", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400"},
      {"a head that ends with LF LF", "GET / HTTP/1.1\nHost: a\n\n", "400"},
      {"a head that ends with CR alone", "GET / HTTP/1.1\r\nHost: a\r\n\rGET", "400"},
      {"a head that ends with CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", "400"},
      {"a head that is not complete", "GET / HTTP/1.1\r\nHost: a\r\n\r", "more"},
      {"a name that is not complete", "GET / HTTP/1.1\r\nHos", "more"},
      {"a line that begins with LF", "GET / HTTP/1.1\r\nHost: a\r\n\nx: y\r\n\r\n", "400"},
      // Limits.
      {"fields at their limit", with_fields(many_fields(7)), "ok"},
      {"fields beyond their limit", with_fields(many_fields(8)), "431"},
      {"a head at its limit", with_fields("x: " + run_of(512 - 32) + "\r\n"), "ok"},
      {"a head beyond its limit", with_fields("x: " + run_of(512 - 31) + "\r\n"), "431"},
      {"a head a byte short of its limit", with_fields("x: " + run_of(512 - 33) + "\r\n"), "ok"},
      {"a value without end", "GET / HTTP/1.1\r\nx: " + run_of(2000), "431"},
      {"a name without end", "GET / HTTP/1.1\r\n" + run_of(2000), "431"},
      {"blanks without end", "GET / HTTP/1.1\r\nx:" + run_of(2000, ' '), "431"},
  };
}

std::vector<Case> host_cases() {
  return {
      {"a host", host("example.org"), "ok"},
      {"a host and a port", host("example.org:8080"), "ok"},
      {"a host and an empty port", host("example.org:"), "ok"},
      {"an IPv4 address", host("127.0.0.1:80"), "ok"},
      {"an IPv6 address", host("[::1]"), "ok"},
      {"an IPv6 address and a port", host("[2001:db8::1.2.3.4]:8080"), "ok"},
      {"an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "ok"},
      {"a host with an underscore", host("my_host"), "ok"},
      {"a host with an escape", host("a%20b"), "ok"},
      {"a host with blanks around it", "GET / HTTP/1.1\r\nHost:  a \r\n\r\n", "ok"},
      {"a host in another case", "GET / HTTP/1.1\r\nhOST: a\r\n\r\n", "ok"},
      {"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
      {"no host, but another field", "GET / HTTP/1.1\r\nHos: a\r\n\r\n", "400"},
      {"no host in absolute form", "GET http://a/ HTTP/1.1\r\n\r\n", "400"},
      {"two hosts", host("a\r\nHost: b"), "400"},
      {"two equal hosts", host("a\r\nHost: a"), "400"},
      {"two hosts on HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
      {"two hosts in one field", host("a, b"), "400"},
      {"two hosts and a blank", host("a b"), "400"},
      {"a host with a path", host("a/b"), "400"},
      {"a host with a user", host("u@a"), "400"},
      {"a host with a scheme", host("http://a"), "400"},
      {"a host with a query", host("a?b"), "400"},
      {"a host with a fragment", host("a#b"), "400"},
      {"a host with a backslash", host("a\\b"), "400"},
      {"a host with UTF-8", host("\xc3\xa9.org"), "400"},
      {"a host with half an escape", host("a%2"), "400"},
      {"a port of letters", host("a:b"), "400"},
      {"a port with a sign", host("a:-1"), "400"},
      {"two ports", host("a:1:2"), "400"},
      {"an IPv6 address without brackets", host("::1"), "400"},
      {"an IPv6 address without its end", host("[::1"), "400"},
      {"an IPv6 address with a zone", host("[fe80::1%25eth0]"), "400"},
      {"empty brackets", host("[]"), "400"},
      {"something behind an IPv6 address", host("[::1]a"), "400"},
      {"an invalid host on HTTP/1.0", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", "400"},
  };
}

}  // namespace fanfare::h1
