// Clients: the libraries with which people subscribe, each as its own documentation uses it. Every
// one is `connect(url, seen)`: it pushes what reaches the application onto `seen` as "type:data",
// and returns {close}, with `state()` where there is a readyState.
import { createRequire } from 'node:module';

import { createEventSource } from 'eventsource-client';
import { EventSource as EventSource3 } from 'eventsource-3';
import { EventSource as EventSource4 } from 'eventsource-4';
import { EventSource as ExtendedEventSource } from 'extended-eventsource';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { EventSource as UndiciEventSource } from 'undici';

const require = createRequire(import.meta.url);
const EventSource1 = require('eventsource-1');
const EventSource2 = require('eventsource-2');
const { EventSourcePolyfill } = require('event-source-polyfill');
const { EventSource: LaunchDarkly } = require('launchdarkly-eventsource');

// What offers EventSource's interface: `onmessage`, and listeners for two names.
const eventSource = (make) => (url, seen) => {
  const source = make(url);
  const take = ({ type, data }) => seen.push(`${type}:${data}`);
  source.onmessage = take;
  source.onerror = () => {};
  for (const type of ['gap', 'tick']) source.addEventListener(type, take);
  return { close: () => source.close(), state: () => source.readyState };
};

// fetch and a parser by hand: an id from an event, and before there is one from the answer's head.
function byHand(url, seen) {
  const stop = new AbortController();
  let id;
  const run = async () => {
    while (!stop.signal.aborted) {
      try {
        const headers = { Accept: 'text/event-stream', ...(id && { 'Last-Event-ID': id }) };
        const answer = await fetch(url, { headers, signal: stop.signal });
        id ??= answer.headers.get('Last-Event-ID');
        const events = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
        for await (const event of events) {
          id = event.id ?? id;
          seen.push(`${event.event ?? 'message'}:${event.data}`);
        }
      } catch { /* cut: again */ }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  run();
  return { close: () => stop.abort() };
}

function eventSourceClient(url, seen) {
  const client = createEventSource({
    url, onMessage: ({ event, data }) => seen.push(`${event ?? 'message'}:${data}`),
  });
  return { close: () => client.close(), state: () => (client.readyState === 'closed' ? 2 : 1) };
}

// As they come, with nothing added to the URL.
export const kClients = {
  'eventsource 1': eventSource((url) => new EventSource1(url)),
  'eventsource 2': eventSource((url) => new EventSource2(url)),
  'eventsource 3': eventSource((url) => new EventSource3(url)),
  'eventsource 4': eventSource((url) => new EventSource4(url)),
  'undici': eventSource((url) => new UndiciEventSource(url)),
  'event-source-polyfill': eventSource((url) => new EventSourcePolyfill(url)),
  'extended-eventsource': eventSource((url) => new ExtendedEventSource(url, { retry: 50 })),
  'fetch and eventsource-parser, by hand': byHand,
};

// They keep an id only with an event that they dispatch, and do not ask as an EventSource does.
export const kClientsThatAsk = {
  'launchdarkly-eventsource': eventSource((url) => new LaunchDarkly(url, { initialRetryDelayMillis: 50 })),
};

// It hands every event to one function, and cannot be told from `eventsource` 4.
export { eventSourceClient };
