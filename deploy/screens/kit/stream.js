// Stream: an EventSource that tells the truth about itself. The browser reconnects and resumes by itself; what it does not
// do is kept here:
//   - it never notices a connection that died without a word: this asks for heartbeats that a page can see, and opens a new
//     one, from the last id, when nothing comes any more;
//   - it gives up for ever after a refusal (a wrong status, CORS): this tries again, ever slower;
//   - it does not say what a reconnection brought: this counts what was caught up, and reports the gap if there was one.
const kHeartbeatEvent = 'screen-heartbeat';
const kHeartbeat = 4; // seconds
const kDeadMs = 11_000; // without an event or a heartbeat
const kRetryMs = [2000, 5000, 10_000, 30_000];
const kSettleMs = 1500; // after an opening, what comes is history

export class Stream {
  // url: without what this adds to it. types: names of events besides `message`. gapEvent: the broker's name for a gap.
  // keyed: whether all its channels keep the latest event of each key, and say when one is removed.
  // onEvent({id, channel, key, data, arrived, removed}), data as text; removed without a key: all keys of the channel. onGap({reason, after, resumed}); onState(state).
  // onSettled({awayMs, caughtUp, gap}) comes a moment after each opening; awayMs is 0 for the first.
  constructor(options) {
    Object.assign(this, options);
    this.lastId = '';
    this.opened = false;
    this.everOpened = false;
    this.refusals = 0;
    this.lostAt = 0;
    this.byteAt = 0;
    this.opening = null; // what has come since the stream opened, until it has settled
    this.shown = '';
    this.open();
    setInterval(() => this.watch(), 500);
    addEventListener('online', () => { if (!this.opened) this.open(); });
  }

  // 'connecting' | 'open' | 'away' | 'refused'
  get state() {
    if (this.refusals > 0) return 'refused';
    return this.opened ? 'open' : this.everOpened ? 'away' : 'connecting';
  }

  open() {
    clearTimeout(this.retry);
    this.source?.close();
    this.opened = false;
    const url = new URL(this.url);
    url.searchParams.set('heartbeat', kHeartbeat);
    url.searchParams.set('heartbeat_event', kHeartbeatEvent);
    if (this.lastId !== '') url.searchParams.set('last_event_id', this.lastId);
    const source = new EventSource(url);
    this.source = source;
    this.byteAt = Date.now();
    source.onopen = () => this.onOpen();
    source.onerror = () => this.onError();
    for (const type of new Set(['message', ...this.types])) source.addEventListener(type, (event) => this.take(event));
    if (this.keyed) source.addEventListener('removed', (event) => this.takeRemoval(event));
    source.addEventListener(this.gapEvent, (event) => this.takeGap(event));
    // Where the stream begins: an id to resume from, even if nothing else comes.
    source.addEventListener('~position', ({ lastEventId }) => { this.lastId = lastEventId; });
    source.addEventListener(kHeartbeatEvent, () => { this.byteAt = Date.now(); });
  }

  onOpen() {
    this.byteAt = Date.now();
    this.opened = true;
    this.refusals = 0;
    this.opening = { at: this.byteAt, awayMs: this.lostAt ? this.byteAt - this.lostAt : 0, count: 0, gap: null };
    this.lostAt = 0;
    this.everOpened = true;
    this.tell();
  }

  onError() {
    if (this.opened) this.lostAt = Date.now();
    this.opened = false;
    if (this.source.readyState === EventSource.CLOSED) {
      const wait = kRetryMs[Math.min(this.refusals++, kRetryMs.length - 1)];
      this.retry = setTimeout(() => this.open(), wait * (1 + Math.random() / 2));
    }
    this.tell();
  }

  // The id field is "id", "id,channel" or "id,channel,key", the key with its escapes.
  take({ lastEventId, data }) {
    this.byteAt = Date.now();
    const [id, channel = '', key = ''] = lastEventId.split(',');
    this.lastId = id;
    if (this.opening) ++this.opening.count;
    this.onEvent({ id, channel, key: decodeURIComponent(key), data, arrived: this.byteAt, removed: false });
  }

  takeRemoval({ lastEventId, data }) {
    this.byteAt = Date.now();
    [this.lastId] = lastEventId.split(',');
    this.onEvent({ id: this.lastId, ...JSON.parse(data), data: '', arrived: this.byteAt, removed: true });
  }

  takeGap({ lastEventId, data }) {
    this.byteAt = Date.now();
    [this.lastId] = lastEventId.split(',');
    let gap;
    try {
      gap = JSON.parse(data);
    } catch {
      gap = { reason: 'unknown' };
    }
    if (this.opening && gap.reason !== 'conflated') this.opening.gap = gap;
    this.onGap(gap);
  }

  watch() {
    const now = Date.now();
    if (this.opening && now - this.opening.at > kSettleMs) {
      const { awayMs, count, gap } = this.opening;
      this.opening = null;
      this.onSettled({ awayMs, caughtUp: count, gap });
    }
    if (this.opened && now - this.byteAt > kDeadMs) {
      this.lostAt = this.byteAt;
      this.onSilence();
      this.open();
    }
    this.tell();
  }

  tell() {
    const { state } = this;
    if (state === this.shown) return;
    this.shown = state;
    this.onState(state);
  }
}
