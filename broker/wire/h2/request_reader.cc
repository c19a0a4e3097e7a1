#include "broker/wire/h2/request_reader.h"

#include "broker/wire/http/characters.h"
#include "broker/wire/http/target.h"

namespace fanfare::h2 {
namespace {

// What HTTP/1.1 writes around a name and a value: limits mean the same in both.
constexpr std::size_t kFieldOverhead = 4;
// A list longer than so many times what is allowed is a burden, not a request.
constexpr std::size_t kAbsurd = 4;
constexpr std::size_t kOriginMax = 300;
// A text so large has grown to nearly twice what it holds, and may be kept for long.
constexpr std::size_t kLargeBytes = 4U << 10U;

}  // namespace

RequestReader::Piece RequestReader::keep(std::string_view text) {
  const Piece piece{static_cast<std::uint32_t>(text_.size()),
                    static_cast<std::uint32_t>(text.size())};
  text_ += text;
  return piece;
}

// The first one counts.
void RequestReader::refuse(const http::Refusal& refusal) {
  if (!refusal_) refusal_ = refusal;
}

bool RequestReader::field(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kFieldOverhead;
  if (bytes_ > kAbsurd * limits_.head_bytes) return false;
  if (name.starts_with(':')) {
    pseudo_field(name, value);
    return true;
  }
  ++fields_;
  const bool too_long = bytes_ > limits_.head_bytes;
  const bool too_many = fields_ > limits_.fields;
  if (too_long) {
    refuse({.status = 431,
            .reason = "the request head is too long",
            .limit = http::Limit::head_bytes});
  } else if (too_many) {
    refuse({.status = 431, .reason = "too many header fields", .limit = http::Limit::fields});
  }
  const bool needed = name == "origin" && value.size() <= kOriginMax;
  if ((too_long || too_many) && !needed) return true;
  if (name == "cookie") {
    if (!cookie_.empty()) cookie_ += "; ";
    cookie_ += value;
    return true;
  }
  if (!http::all(name, http::kToken) || !http::all(value, http::kFieldText)) {
    refuse({.reason = "a field has a character that no field may have"});
    return true;
  }
  const Piece name_piece = keep(name);
  const std::string_view trimmed = http::trimmed(value);
  pieces_.push_back({name_piece, keep(trimmed)});
  if (const auto refusal = rules_.admit(name, trimmed)) refuse(*refusal);
  return true;
}

void RequestReader::pseudo_field(std::string_view name, std::string_view value) {
  if (name == ":method") {
    if (value.size() > limits_.method_bytes) {
      return refuse({.status = 501, .reason = "the method is too long"});
    }
    method_ = keep(value);
  } else if (name == ":path") {
    if (value.size() > limits_.target_bytes) {
      return refuse({.status = 414,
                     .reason = "the request target is too long",
                     .limit = http::Limit::target_bytes});
    }
    target_ = keep(value);
  } else if (name == ":authority") {
    if (value.size() <= limits_.target_bytes) authority_ = keep(value);
  }
}

std::optional<http::Refusal> RequestReader::complete() {
  if (!cookie_.empty()) {
    const Piece name = keep("cookie");
    pieces_.push_back({name, keep(cookie_)});
    cookie_ = {};
  }
  check_authority();
  if (text_.size() >= kLargeBytes) text_.shrink_to_fit();
  point_head();
  if (!http::all(head_.method_text, http::kToken)) refuse({.reason = "the method is not a token"});
  if (head_.method == http::Method::connect) {
    refuse({.status = 501, .reason = "CONNECT is for proxies; this is an origin server"});
  }
  check_target();
  return refusal_;
}

// RFC 9113 §8.3.1: Host is what other versions have in its place, and says the same if it is there.
void RequestReader::check_authority() {
  const std::string_view authority = authority_.of(text_);
  if (authority.empty()) return;
  for (const Pieces& piece : pieces_) {
    if (piece.name.of(text_) != "host") continue;
    if (piece.value.of(text_) != authority) {
      refuse({.reason = "the Host field and :authority are not the same"});
    }
    return;
  }
  if (const auto refusal = rules_.admit("host", authority)) refuse(*refusal);
  const Piece name = keep("host");
  pieces_.push_back({name, authority_});
}

void RequestReader::check_target() {
  if (head_.target.empty()) return refuse({.reason = "a request must have a :path"});
  const auto target = http::parse_target(head_.target);
  if (!target || target->form == http::TargetForm::absolute) {
    return refuse({.reason = "the :path is not a path"});
  }
  if (target->form == http::TargetForm::asterisk && head_.method != http::Method::options) {
    return refuse({.reason = "the target * is for OPTIONS only"});
  }
}

void RequestReader::point_head() {
  head_.method_text = method_.of(text_);
  head_.method = http::method_of(head_.method_text);
  head_.target = target_.of(text_);
  head_.fields.clear();
  head_.fields.reserve(pieces_.size());
  for (const Pieces& piece : pieces_) {
    head_.fields.push_back({piece.name.of(text_), piece.value.of(text_)});
  }
  head_.authority = authority_.size > 0 ? authority_.of(text_) : head_.value("host");
  if (const auto target = http::parse_target(head_.target)) {
    head_.path = target->path;
    head_.query = target->query;
  }
}

}  // namespace fanfare::h2
