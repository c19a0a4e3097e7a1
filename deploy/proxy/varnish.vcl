# Varnish in front of Fanfare. It speaks HTTP/2 to browsers; TLS is spoken before it by HAProxy (varnish-tls.cfg) or hitch.
# For Varnish 7.1 (Debian 12).
#
#   varnishd -a /run/front/varnish.sock,PROXY -f /srv/front/varnish.vcl -p feature=+http2 -p h2_max_concurrent_streams=512 \
#     -p thread_pool_max=10000 -s malloc,16m -s Transient=malloc,256m
#   haproxy -f /srv/front/varnish-tls.cfg
#
# A stream takes two of Varnish's threads, and each browser one more. What a client is slow to read lies in Transient, which
# is why it has a bound. run-front, next to this file, starts both programs.
#
# In broker.toml, so that the broker sees the clients' addresses:
#   [fronts]
#   trusted = ["127.0.0.1"]    # or "unix:"; where Varnish connects from; it adds X-Forwarded-For by itself
vcl 4.1;
import std;

backend fanfare {
  # HTTP/1.1:
  .host = "127.0.0.1"; .port = "8080";
  # A Unix socket, where the number of ports does not limit that of streams:
  #.path = "/run/fanfare/http.sock";
  .connect_timeout = 2s;
  .first_byte_timeout = 1h;
  .between_bytes_timeout = 1h; # silence; the broker's heartbeat breaks it every 15 s
}

sub vcl_recv {
  # Every stream is its client's own: nothing is looked up, nothing kept.
  return (pass);
}

sub vcl_backend_response {
  set beresp.uncacheable = true;
  return (deliver);
}

sub vcl_backend_error {
  # The broker is down, or restarting. An EventSource that gets any status but 200 stops until its page is reloaded. So it
  # is told to come back in 2 to 5 seconds, and any origin is allowed, because otherwise the page could not even read this.
  # Clients that use fetch() do not ask like this, and get the error: to them, a 200 that ends would be a stream that is
  # complete.
  if (bereq.http.Accept ~ "text/event-stream" && bereq.http.Cache-Control ~ "no-cache") {
    set beresp.status = 200;
    set beresp.http.Content-Type = "text/event-stream; charset=utf-8";
    set beresp.http.Cache-Control = "no-store, no-cache, no-transform";
    set beresp.http.Access-Control-Allow-Origin = bereq.http.Origin;
    set beresp.http.Access-Control-Allow-Credentials = "true";
    set beresp.http.Vary = "Origin";
    synthetic("retry: " + std.integer(real=std.random(2000, 5000)) + {"
"});
    return (deliver);
  }
}
