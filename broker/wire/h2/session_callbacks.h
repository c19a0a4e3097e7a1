// What nghttp2 calls, on behalf of a Session.
#pragma once

#include <nghttp2/nghttp2.h>

#include "broker/wire/h2/session.h"

namespace fanfare::h2 {

struct Session::Callbacks {
  static const nghttp2_session_callbacks* table();

  static int frame_read(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t flags, void* user);
  static int data(nghttp2_session* session, std::uint8_t flags, std::int32_t stream,
                  const std::uint8_t* bytes, std::size_t size, void* user);
  static int stream_closed(nghttp2_session* session, std::int32_t stream, std::uint32_t error,
                           void* user);
  static int frame_written(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int write_data(nghttp2_session* session, nghttp2_frame* frame, const std::uint8_t* head,
                        std::size_t size, nghttp2_data_source* source, void* user);
  static ssize_t read_body(nghttp2_session* session, std::int32_t stream, std::uint8_t* buffer,
                           std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                           void* user);

 private:
  static void request_headers(Session& session, const nghttp2_frame& frame);
};

}  // namespace fanfare::h2
