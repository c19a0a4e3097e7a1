#include "broker/wire/tls/failure.h"

namespace fanfare::tls {

std::string_view sentence_of(Failure failure) {
  switch (failure) {
    case Failure::none:
      break;
    case Failure::plain_http:
      return "a plain HTTP request came to a port that speaks TLS; its address begins with "
             "https://";
    case Failure::not_tls:
      return "what came is not TLS";
    case Failure::version:
      return "the client offers no version of TLS that is served (1.2 and 1.3)";
    case Failure::cipher:
      return "the client and the broker have no cipher, group or signature in common";
    case Failure::protocol:
      return "the client offers no application protocol (ALPN) that is served";
    case Failure::refused_by_peer:
      return "the client refused the handshake; it may not trust the certificate";
    case Failure::no_certificate:
      return "the client showed no certificate, and has to";
    case Failure::certificate_refused:
      return "the client's certificate was not issued by the client CA, or not for a client";
    case Failure::certificate_expired:
      return "the client's certificate has expired, or is not valid yet";
    case Failure::certificate_revoked:
      return "the client's certificate was revoked";
    case Failure::revocation_unknown:
      return "the list of revoked certificates is out of date, or is not that of the client's CA";
    case Failure::malformed:
      return "the client broke the rules of TLS";
    case Failure::bad_record:
      return "a record was damaged on its way";
    case Failure::too_large:
      return "the client sent a record or a handshake that is too large";
  }
  return "nothing is wrong";
}

std::string_view answer_to_plain_http() {
  return "HTTP/1.1 400 Bad Request\r\n"
         "Content-Type: text/plain; charset=utf-8\r\n"
         "Content-Length: 67\r\n"
         "Connection: close\r\n"
         "\r\n"
         "This port speaks TLS: use https:// in place of http:// to reach it\n";
}

}  // namespace fanfare::tls
