// Subscriber: an EventSource in node that hides nothing: every event with its id, every gap, every
// connection with how it began and ended. The parser follows the WHATWG text and nothing else.
import { send } from './transport.js';
import { until } from './wait.js';

export class EventStreamParser {
  constructor({ event, retry, comment }) {
    this.on = { event, retry, comment };
    this.lastId = '';
    this.reset();
  }

  reset() {
    this.decoder = new TextDecoder('utf-8');
    this.text = '';
    this.type = '';
    this.data = [];
    this.id = this.lastId;
  }

  push(bytes) {
    this.text += this.decoder.decode(bytes, { stream: true });
    for (;;) {
      const end = this.text.search(/\r\n|\n|\r/);
      if (end < 0) return;
      // A CR at the very end may be half of a CRLF.
      if (this.text[end] === '\r' && end + 1 === this.text.length) return;
      const size = this.text.startsWith('\r\n', end) ? 2 : 1;
      this.line(this.text.slice(0, end));
      this.text = this.text.slice(end + size);
    }
  }

  line(line) {
    if (line === '') return this.dispatch();
    if (line.startsWith(':')) return this.on.comment?.(line.slice(1));
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (name === 'data') this.data.push(value);
    if (name === 'event') this.type = value;
    if (name === 'id' && !value.includes('\0')) this.id = value;
    if (name === 'retry' && /^[0-9]+$/.test(value)) this.on.retry?.(Number(value));
  }

  dispatch() {
    this.lastId = this.id;
    if (this.data.length > 0) {
      this.on.event({ id: this.id, type: this.type || 'message', data: this.data.join('\n') });
    }
    this.type = '';
    this.data = [];
  }
}

export class Subscriber {
  // `query`: everything after the '?', or an array of channels. `reconnect`: like EventSource.
  constructor(url, query, { headers = {}, reconnect = true, path = '/events', retry = 50 } = {}) {
    const text = Array.isArray(query)
      ? query.map((channel) => `channel=${encodeURIComponent(channel)}`).join('&') : query;
    this.target = `${url}${path}?${text}`;
    this.headers = headers;
    this.reconnect = reconnect;
    this.retryMax = retry; // tests do not wait for seconds
    this.retries = []; // as told
    this.events = [];
    this.gaps = [];
    this.log = []; // events and gaps in the order they came
    this.connections = []; // {status, headers, clean, presented, bytes}
    this.comments = 0;
    this.closed = false;
    this.finished = false;
    this.lastArrival = 0;
    this.parser = new EventStreamParser({
      event: (event) => this.take(event),
      retry: (ms) => this.retries.push(ms),
      comment: () => { this.comments += 1; },
    });
    this.connect();
  }

  get data() { return this.events.map((event) => event.data); }
  get lastId() { return this.parser.lastId; }
  get open() { return this.connections.at(-1)?.open === true; }

  take(event) {
    event.arrived = performance.now();
    event.unix = Date.now();
    this.lastArrival = event.arrived;
    if (event.type === 'gap') {
      const gap = { ...JSON.parse(event.data), id: event.id };
      this.gaps.push(gap);
      this.log.push({ gap });
    } else {
      this.events.push(event);
      this.log.push({ event });
    }
    this.onEvent?.(event);
  }

  connect() {
    const connection = { presented: this.lastId, open: false, clean: null, bytes: 0 };
    this.connections.push(connection);
    this.parser.reset();
    const headers = { Accept: 'text/event-stream', 'Cache-Control': 'no-cache', ...this.headers };
    if (this.lastId !== '') headers['Last-Event-ID'] = this.lastId;
    this.request = send(this.target, { headers }, (answer) => {
      connection.status = answer.statusCode;
      connection.headers = answer.headers;
      connection.open = answer.statusCode === 200;
      this.answer = answer;
      answer.on('data', (bytes) => {
        connection.bytes += bytes.length;
        if (connection.open) this.parser.push(bytes);
      });
      const ended = () => this.ended(connection, answer.complete);
      answer.on('error', ended);
      answer.on('close', ended);
    });
    this.request.end();
    this.request.on('error', (error) => {
      connection.error = error.code ?? error.message;
      this.ended(connection, false);
    });
  }

  ended(connection, clean) {
    if (connection.clean !== null) return;
    connection.clean = clean;
    connection.open = false;
    if (connection.status !== undefined && connection.status !== 200) {
      this.finished = true; // as EventSource: nothing but 200 is ever tried again
      return;
    }
    if (this.closed || !this.reconnect) return;
    setTimeout(() => { if (!this.closed) this.connect(); },
      Math.min(this.retryMax, this.retries.at(-1) ?? this.retryMax));
  }

  // Stops reading, as a frozen page does; resume() goes on.
  pause() { this.answer?.pause(); }
  resume() { this.answer?.resume(); }
  // As a network would.
  cut() { this.request.destroy(); }
  close() {
    this.closed = true;
    this.request.destroy();
  }

  async opened() {
    await until(() => this.open, `the stream ${this.target} opens`);
    return this;
  }

  async count(events, seconds = 10) {
    await until(() => this.events.length >= events,
      () => `${events} events arrive; there are ${this.events.length}, gaps: ${JSON.stringify(this.gaps)}`, seconds);
    return this.events;
  }
}
