// Members of JSON replies that HTTP and NDJSON share.
#pragma once

#include <string>
#include <string_view>

#include "broker/wire/ingest/sink.h"

namespace fanfare::ingest {

void append_json_number(std::string& out, std::uint64_t value);

// What a repeated key adds: ,"duplicate":true and, if its event has left the history,
// ,"evicted":true
void append_repeat_members(std::string& out, bool duplicate, bool evicted);

// "channel":"c","events":2,"bytes":90,"published":7,"receivers":1,"first":"..","last":"..",
// "finished":false. No ids for an empty window.
void append_channel_members(std::string& out, std::string_view name, const ChannelState& state);

// "ticket":"…","expires_seconds":60
void append_ticket_members(std::string& out, const Ticket& ticket);

// "version":"1.0","uptime_seconds":5,...
void append_fact_members(std::string& out, Sink& sink);

}  // namespace fanfare::ingest
