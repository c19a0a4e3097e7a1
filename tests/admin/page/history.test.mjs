// What the charts are drawn from: ten minutes of columns, and the curtains over what is missing.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Gaps, History } from '../../../broker/admin/page/history.js';

test('a history keeps ten minutes', () => {
  const history = new History(1);
  for (let i = 0; i < 2000; ++i) history.add(1_000_000 + i * 1000, [i]);
  const [times, values] = history.columns;
  assert.equal(times.length, values.length);
  assert.ok(times.length >= 600 && times.length <= 606, `${times.length} rows`);
  assert.equal(values.at(-1), 1999);
  assert.equal(history.lastMs, 1_000_000 + 1999 * 1000);
});

test('a hole in time breaks the line', () => {
  const history = new History(2);
  history.add(1000, [1, 2]);
  history.add(2000, [3, 4]);
  history.add(30_000, [5, 6]);
  assert.deepEqual(history.columns[1], [1, 3, null, 5]);
  assert.deepEqual(history.columns[2], [2, 4, null, 6]);
});

test('what was seen before is not added twice', () => {
  const history = new History(1);
  for (const ms of [1000, 2000, 2000, 1500, 3000]) history.add(ms, [ms]);
  assert.deepEqual(history.columns[1], [1000, 2000, 3000]);
});

test('a clock that was set back begins a new history', () => {
  const history = new History(1);
  history.add(10_000_000, [1]);
  history.add(5_000_000, [2]);
  assert.deepEqual(history.columns[1], [2]);
});

test('the nearest row answers for a moment', () => {
  const history = new History(1);
  assert.equal(history.at(0), null);
  for (const ms of [1000, 2000, 3000]) history.add(ms, [ms]);
  assert.deepEqual(history.at(2400), [2000]);
  assert.deepEqual(history.at(9000), [3000]);
});

const name = (gap, ms) => `${gap?.reason ?? 'away'} ${ms}`;

test('a gap lies between the event before it and the event after it', () => {
  const gaps = new Gaps();
  gaps.begin(5000, { reason: 'restarted' });
  assert.deepEqual(gaps.curtains(9000, 0, name), [{ from: 5000, to: 9000, kind: 'gap', label: 'restarted 4000' }]);
  assert.ok(gaps.end(12_000));
  assert.ok(!gaps.end(13_000));
  assert.deepEqual(gaps.curtains(20_000, 0, name), [{ from: 5000, to: 12_000, kind: 'gap', label: 'restarted 7000' }]);
});

test('while the stream is away a curtain hangs that goes when nothing was lost', () => {
  const gaps = new Gaps();
  assert.deepEqual(gaps.curtains(9000, 5000, name), [{ from: 5000, to: 9000, kind: 'away', label: 'away 4000' }]);
  assert.deepEqual(gaps.curtains(9000, 0, name), []);
});
