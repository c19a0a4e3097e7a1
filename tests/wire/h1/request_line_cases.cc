// Request lines (RFC 9112 §3) and targets (§3.2).
#include <string>
#include <string_view>

#include "tests/wire/h1/request_cases.h"

namespace fanfare::h1 {

namespace {

using std::string_literals::operator""s;

const std::string kHost = "Host: a\r\n\r\n";

std::string line(const std::string& text) {
  return text + "\r\n" + kHost;
}
std::string target(const std::string& text) {
  return line("GET " + text + " HTTP/1.1");
}

}  // namespace

std::vector<Case> request_line_cases() {
  return {
      // Methods.
      {"a GET", line("GET / HTTP/1.1"), "ok"},
      {"a HEAD", line("HEAD / HTTP/1.1"), "ok"},
      {"a POST without a body", line("POST / HTTP/1.1"), "ok"},
      {"a PUT", line("PUT / HTTP/1.1"), "ok"},
      {"a DELETE", line("DELETE / HTTP/1.1"), "ok"},
      {"OPTIONS with a path", line("OPTIONS / HTTP/1.1"), "ok"},
      {"a QUERY", line("QUERY / HTTP/1.1"), "ok"},
      {"a method of one's own", line("FROB / HTTP/1.1"), "ok"},
      {"a method in lower case is another method", line("get / HTTP/1.1"), "ok"},
      {"a method of every token character", line("!#$%&'*+-.^_`|~9 / HTTP/1.1"), "ok"},
      {"a method at its limit", line(run_of(16, 'M') + " / HTTP/1.1"), "ok"},
      {"a method beyond its limit", line(run_of(17, 'M') + " / HTTP/1.1"), "501"},
      {"a method without end", run_of(2000, 'M'), "501"},
      {"a method with a comma", line("GE,T / HTTP/1.1"), "400"},
      {"a method with a colon", line("GET: / HTTP/1.1"), "400"},
      {"a method in quotes", line("\"GET\" / HTTP/1.1"), "400"},
      {"a method with a byte above 0x7f", line("G\xc3\x89T / HTTP/1.1"), "400"},
      {"a method with a control", line("G\x01T / HTTP/1.1"), "400"},
      {"a method with NUL", line("G\0T / HTTP/1.1"s), "400"},
      {"CONNECT with an authority", line("CONNECT a:80 HTTP/1.1"), "501"},
      {"CONNECT with a path", line("CONNECT / HTTP/1.1"), "501"},
      {"TRACE", line("TRACE / HTTP/1.1"), "ok"},
      // Spaces and line ends.
      {"a space before the method", line(" GET / HTTP/1.1"), "400"},
      {"a tab before the method", line("\tGET / HTTP/1.1"), "400"},
      {"two spaces before the target", line("GET  / HTTP/1.1"), "400"},
      {"two spaces after the target", line("GET /  HTTP/1.1"), "400"},
      {"a tab before the target", line("GET\t/ HTTP/1.1"), "400"},
      {"a tab after the target", line("GET /\tHTTP/1.1"), "400"},
      {"a space after the version", line("GET / HTTP/1.1 "), "400"},
      {"a tab after the version", line("GET / HTTP/1.1\t"), "400"},
      {"a word after the version", line("GET / HTTP/1.1 x"), "400"},
      {"a form feed between the parts", line("GET\x0c/ HTTP/1.1"), "400"},
      {"a vertical tab between the parts", line("GET /\x0bHTTP/1.1"), "400"},
      {"a request line that ends with LF", "GET / HTTP/1.1\n" + kHost, "400"},
      {"a request line that ends with CR", "GET / HTTP/1.1\rHost: a\r\n\r\n", "400"},
      {"a request line that ends with CR CR LF", "GET / HTTP/1.1\r\r\n" + kHost, "400"},
      {"a CR in the method", line("G\rET / HTTP/1.1"), "400"},
      {"a CR in the target", line("GET /\rx HTTP/1.1"), "400"},
      {"an LF in the target", line("GET /\nx HTTP/1.1"), "400"},
      {"one empty line before the request", "\r\n" + line("GET / HTTP/1.1"), "ok"},
      {"two empty lines before the request", "\r\n\r\n" + line("GET / HTTP/1.1"), "400"},
      {"an empty line of LF alone before the request", "\n" + line("GET / HTTP/1.1"), "400"},
      {"a CR alone before the request", "\r" + line("GET / HTTP/1.1"), "400"},
      {"nothing", "", ""},
      {"an empty line alone", "\r\n", "more"},
      {"a request line alone", "GET / HTTP/1.1\r\n", "more"},
      {"half a method", "GE", "more"},
      // Versions.
      {"HTTP/1.0", line("GET / HTTP/1.0"), "ok"},
      {"HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", "ok"},
      {"HTTP/1.2 is read as 1.1", line("GET / HTTP/1.2"), "ok"},
      {"HTTP/1.9 is read as 1.1", line("GET / HTTP/1.9"), "ok"},
      {"HTTP/2.0", line("GET / HTTP/2.0"), "505"},
      {"HTTP/3.0", line("GET / HTTP/3.0"), "505"},
      {"HTTP/0.9 in words", line("GET / HTTP/0.9"), "505"},
      {"HTTP/2 without a minor version", line("GET / HTTP/2"), "400"},
      {"HTTP/2.0 and more", line("GET / HTTP/2.0x"), "400"},
      {"HTTP/2.10", line("GET / HTTP/2.10"), "400"},
      {"HTTP/9.9", line("GET / HTTP/9.9"), "505"},
      {"HTTP/1 without a minor version", line("GET / HTTP/1"), "400"},
      {"HTTP/1. without a minor version", line("GET / HTTP/1."), "400"},
      {"HTTP/1.10", line("GET / HTTP/1.10"), "400"},
      {"HTTP/01.1", line("GET / HTTP/01.1"), "400"},
      {"HTTP/1,1", line("GET / HTTP/1,1"), "400"},
      {"a version in lower case", line("GET / http/1.1"), "400"},
      {"a version of letters", line("GET / HTTP/a.b"), "400"},
      {"a version with a sign", line("GET / HTTP/+1.1"), "400"},
      {"HTTPS as a version", line("GET / HTTPS/1.1"), "400"},
      {"another protocol", line("GET / ICE/1.0"), "400"},
      {"a version cut short", line("GET / HTT"), "400"},
      {"an empty version", line("GET / "), "400"},
      {"a NUL in the version", line("GET / HTTP/1\0.1"s), "400"},
      {"HTTP/0.9", "GET /\r\n", "400"},
      {"HTTP/0.9 with LF", "GET /\n", "400"},
      {"a POST without a version", "POST /\r\n", "400"},
      {"a method alone", "GET\r\n\r\n", "400"},
      {"the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
      {"PRI of HTTP/1.1", line("PRI * HTTP/1.1"), "400"},
      {"PRI of HTTP/2.1", line("PRI * HTTP/2.1"), "400"},
      {"a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, "400"},
      {"a PROXY protocol line", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "400"},
      {"a Redis command", "*1\r\n$4\r\nPING\r\n", "400"},
      {"a line of JSON", "{\"channel\":\"c\"}\n", "400"},
      {"a status line", "HTTP/1.1 200 OK\r\n\r\n", "400"},
  };
}

std::vector<Case> target_cases() {
  return {
      {"the root", target("/"), "ok"},
      {"a path", target("/a/b.c;d=e:f@g"), "ok"},
      {"a query", target("/a?b=c&d=/?"), "ok"},
      {"an empty query", target("/a?"), "ok"},
      {"two slashes", target("//a"), "ok"},
      {"dots in a path", target("/../.././a"), "ok"},
      {"escapes", target("/%2Fa%00b%e4%bd%a0"), "ok"},
      {"a malformed escape is the query's business", target("/a?q=100%&r=%zz"), "ok"},
      {"sub-delimiters", target("/!$&'()*+,;="), "ok"},
      {"what browsers leave unescaped", target("/a?q={[|\\^`]}"), "ok"},
      {"a double quote", target("/a\"b"), "400"},
      {"angle brackets", target("/<a>"), "400"},
      {"a fragment", target("/a#b"), "400"},
      {"a space in the path", target("/a b"), "400"},
      {"a tab in the path", target("/a\tb"), "400"},
      {"a NUL in the path", target("/a\0b"s), "400"},
      {"a DEL in the path", target("/a\x7f"), "400"},
      {"a control in the query", target("/a?\x1f"), "400"},
      {"UTF-8 in the path", target("/\xe4\xbd\xa0"), "400"},
      {"Latin-1 in the query", target("/a?\xe9"), "400"},
      {"a path without a slash", target("a"), "400"},
      {"a query without a path", target("?a=b"), "400"},
      {"an escape without a slash", target("%2Fa"), "400"},
      {"dots without a slash", target("../a"), "400"},
      {"a backslash for a slash", target("\\a"), "400"},
      {"a target at its limit", target("/" + run_of(127)), "ok"},
      {"a target beyond its limit", target("/" + run_of(128)), "414"},
      {"a target without end", "GET /" + run_of(2000), "414"},
      // Absolute form.
      {"an http URL", target("http://a/b?c"), "ok"},
      {"an https URL", target("https://a/b"), "ok"},
      {"an http URL without a path", target("http://a"), "ok"},
      {"an http URL with a query and no path", target("http://a?b"), "ok"},
      {"an http URL with a port", target("http://a:80/"), "ok"},
      {"an http URL with IPv6", target("http://[::1]:80/"), "ok"},
      {"a scheme in upper case", target("HTTP://a/"), "ok"},
      {"an http URL that contradicts Host", target("http://b/"), "ok"},
      {"an http URL without a host", target("http:///b"), "400"},
      {"an http URL with a port and no host", target("http://:80/"), "400"},
      {"an http URL with a user", target("http://u@a/"), "400"},
      {"an http URL with a user and a password", target("http://u:p@a/"), "400"},
      {"an http URL with a port of letters", target("http://a:b/"), "400"},
      {"an http URL with half an IPv6", target("http://[::1/"), "400"},
      {"a URL of another scheme", target("ftp://a/"), "400"},
      {"a URL with one slash", target("http:/a"), "400"},
      {"a URL with no slash", target("http:a"), "400"},
      {"a scheme alone", target("http://"), "400"},
      {"an authority for a target", target("a:80"), "400"},
      // Asterisk form.
      {"OPTIONS *", line("OPTIONS * HTTP/1.1"), "ok"},
      {"GET *", target("*"), "400"},
      {"an asterisk and more", line("OPTIONS *a HTTP/1.1"), "400"},
      {"two asterisks", line("OPTIONS ** HTTP/1.1"), "400"},
  };
}

}  // namespace fanfare::h1
