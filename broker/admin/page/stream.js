// Stream: an EventSource that tells the truth about itself. The browser reconnects and resumes by
// itself; what it does not do is kept here:
//   - it never notices a connection that died without a word: after a silence this opens a new one,
//     from the last id that was seen;
//   - it gives up for ever after a refusal (a wrong status, CORS): this tries again, ever slower;
//   - it does not say what a reconnection brought: this counts the events that were caught up, and
//     reports the gap if the broker named one.
const kRetryMs = [2000, 5000, 10000, 30000];
const kSilenceMs = [15000, 30000, 60000, 120000, 300000];
const kSilentAfterMs = 6000;
const kSettleMs = 1500;
const kLateMs = 900;

export class Stream {
  // url: string. gapEvent: name of the broker's gap event. types: event names to listen to.
  // onEvent(data, {id, type, late}), data is parsed JSON with `t` (Unix ms of the sender).
  // onGap({reason, after, resumed}), onState(state). onRecovered({awayMs, caughtUp, gap}) comes a
  // moment after each opening; awayMs is 0 for the first, which caught up the history it asked for.
  constructor(options) {
    Object.assign(this, options);
    this.lastId = '';
    this.opened = false; // now
    this.everOpened = false;
    this.refused = false;
    this.lastEventAt = 0; // browser's clock, of the last event
    this.clockOffset = Infinity; // browser's clock minus sender's, at its least
    this.recovery = null;
    this.openedAt = 0; // what was opened because of a silence does not end the silence
    this.silences = 0;
    this.refusals = 0;
    this.changedAt = Date.now();
    this.shown = '';
    this.open();
    setInterval(() => this.watch(), 500);
  }

  // 'connecting' | 'waiting' (open, no event yet) | 'live' | 'silent' | 'away' | 'refused'
  get state() {
    if (this.refused) return 'refused';
    if (!this.opened) return this.everOpened ? 'away' : 'connecting';
    if (this.lastEventAt === 0) return 'waiting';
    return this.quiet > kSilentAfterMs ? 'silent' : 'live';
  }

  // How long nothing came although it could have, in ms.
  get quiet() {
    return Date.now() - Math.max(this.lastEventAt, this.openedAt);
  }

  // The sender's clock now, as well as it is known.
  now() {
    return Date.now() - (this.clockOffset === Infinity ? 0 : this.clockOffset);
  }

  open() {
    this.source?.close();
    this.opened = false;
    const url = new URL(this.url, location.href);
    if (this.lastId !== '') url.searchParams.set('last_event_id', this.lastId);
    const source = new EventSource(url);
    this.source = source;
    source.onopen = () => this.onOpen();
    source.onerror = () => this.onError();
    for (const type of ['message', ...this.types]) {
      source.addEventListener(type, (event) => this.take(event));
    }
    // Where the stream begins: what comes is lost to nobody, even if this connection brings nothing.
    source.addEventListener('~position', ({ lastEventId }) => { this.lastId = lastEventId; });
    if (this.gapEvent) source.addEventListener(this.gapEvent, (event) => this.takeGap(event));
  }

  onOpen() {
    this.opened = true;
    this.refused = false;
    this.refusals = 0;
    if (this.silences === 0) this.openedAt = Date.now();
    if (this.everOpened && this.lostAt) {
      const openedAt = Date.now();
      this.recovery = { openedAt, awayMs: openedAt - this.lostAt, times: [], gap: null };
      this.lostAt = 0;
    }
    if (!this.everOpened) this.recovery = { openedAt: Date.now(), awayMs: 0, times: [], gap: null };
    this.everOpened = true;
    this.tell();
  }

  onError() {
    if (this.opened) this.lostAt = Date.now();
    this.opened = false;
    if (this.source.readyState === EventSource.CLOSED) {
      this.refused = true;
      const wait = kRetryMs[Math.min(this.refusals++, kRetryMs.length - 1)];
      setTimeout(() => this.open(), wait * (1 + Math.random() / 2));
    }
    this.tell();
  }

  take(event) {
    const now = Date.now();
    this.lastEventAt = now;
    this.silences = 0;
    if (event.lastEventId) this.lastId = event.lastEventId;
    let data;
    try {
      data = JSON.parse(event.data);
    } catch {
      return; // not one of ours: somebody else publishes there too
    }
    if (typeof data !== 'object' || data === null || typeof data.t !== 'number') return;
    // It gives way by a millisecond an event, so that a sender's clock may be set back.
    const leak = this.recovery ? 0 : 1;
    this.clockOffset = Math.min(this.clockOffset + leak, now - data.t);
    this.recovery?.times.push(data.t);
    const late = this.recovery !== null && this.older(data.t);
    this.onEvent(data, { id: event.lastEventId, type: event.type, late });
    this.tell();
  }

  // Older than this connection: it was waiting for us in the broker's window.
  older(time) {
    return time + this.clockOffset < this.recovery.openedAt - kLateMs;
  }

  takeGap(event) {
    let gap;
    try {
      gap = JSON.parse(event.data);
    } catch {
      gap = { reason: 'unknown' };
    }
    if (event.lastEventId) this.lastId = event.lastEventId;
    if (this.recovery) this.recovery.gap = gap;
    this.onGap(gap);
  }

  watch() {
    if (this.recovery && Date.now() - this.recovery.openedAt > kSettleMs) {
      const { awayMs, gap, times } = this.recovery;
      const caughtUp = times.filter((time) => this.older(time)).length;
      this.recovery = null;
      this.onRecovered({ awayMs, caughtUp, gap });
    }
    if (this.opened && this.lastEventAt && this.quiet > this.silenceLimit()) {
      ++this.silences;
      this.lostAt ||= Date.now();
      this.open();
    }
    this.tell();
  }

  // The whole silence after which the next attempt is due.
  silenceLimit() {
    const last = kSilenceMs.length - 1;
    let sum = 0;
    for (let i = 0; i <= this.silences; ++i) sum += kSilenceMs[Math.min(i, last)];
    return sum;
  }

  tell() {
    const state = this.state;
    if (state === this.shown) return;
    this.shown = state;
    this.changedAt = Date.now();
    this.onState(state);
  }
}
