// What the charts of a page are drawn from.
//
// History: columns of numbers over time, the last ten minutes of them. A hole in time becomes a row
// of nulls, so that no line is drawn across it.
export class History {
  constructor(width, keepMs = 600_000, holeMs = 5000) {
    this.keepMs = keepMs;
    this.holeMs = holeMs;
    this.columns = Array.from({ length: width + 1 }, () => []);
  }

  get firstMs() {
    const [times] = this.columns;
    return times.length === 0 ? Infinity : times[0] * 1000;
  }

  get lastMs() {
    const [times] = this.columns;
    return times.length === 0 ? 0 : times[times.length - 1] * 1000;
  }

  add(ms, values) {
    const [times] = this.columns;
    const last = this.lastMs;
    if (last !== 0 && ms < last - 60_000) this.clear(); // the sender's clock was set back
    else if (ms <= last) return;
    if (times.length > 0 && ms - last > this.holeMs) this.push(last + 1, values.map(() => null));
    this.push(ms, values);
    const old = times.findIndex((at) => at * 1000 >= ms - this.keepMs - 5000);
    if (old > 0) for (const column of this.columns) column.splice(0, old);
  }

  push(ms, values) {
    this.columns[0].push(ms / 1000);
    values.forEach((value, i) => this.columns[i + 1].push(value));
  }

  clear() {
    for (const column of this.columns) column.length = 0;
  }

  // The row nearest to `ms`, or null.
  at(ms) {
    const [times] = this.columns;
    let best = -1;
    for (let i = 0; i < times.length; ++i) {
      if (best < 0 || Math.abs(times[i] * 1000 - ms) < Math.abs(times[best] * 1000 - ms)) best = i;
    }
    return best < 0 ? null : this.columns.slice(1).map((column) => column[best]);
  }

  // The highest value of these columns (1 is the first after the time).
  highest(...indexes) {
    let highest = 0;
    for (const index of indexes) {
      for (const value of this.columns[index]) if (value !== null && value > highest) highest = value;
    }
    return highest;
  }

  // The lowest value of this column, at most 0.
  lowest(index) {
    return this.columns[index].reduce((lowest, value) => (value !== null && value < lowest ? value : lowest), 0);
  }
}

// Gaps: the curtains of a page. A gap begins where the last event before it stands, and ends at the
// first event after it.
export class Gaps {
  constructor() {
    this.closed = [];
    this.pending = null;
  }

  begin(fromMs, gap) {
    this.pending ??= { from: fromMs, gap };
  }

  // An event of time `ms` arrived; true if it ended a gap.
  end(ms) {
    if (!this.pending) return false;
    const { from, gap } = this.pending;
    this.pending = null;
    if (from > 0) this.closed.push({ from, to: Math.max(ms, from), gap });
    if (this.closed.length > 20) this.closed.shift();
    return true;
  }

  // As curtains; `awaySince` (ms, or 0) adds the one that is not decided yet.
  curtains(nowMs, awaySince, name) {
    const list = this.closed.map(({ from, to, gap }) => ({ from, to, kind: 'gap', label: name(gap, to - from) }));
    if (this.pending && this.pending.from > 0) {
      list.push({ from: this.pending.from, to: nowMs, kind: 'gap', label: name(this.pending.gap, nowMs - this.pending.from) });
    } else if (awaySince > 0) {
      list.push({ from: awaySince, to: nowMs, kind: 'away', label: name(null, nowMs - awaySince) });
    }
    return list;
  }
}
