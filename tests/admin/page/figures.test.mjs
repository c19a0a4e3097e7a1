// Numbers as the pages write them.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as figures from '../../../broker/admin/page/figures.js';

const thin = (text) => text.replaceAll('\u202f', ' ');

test('a count is exact below a million', () => {
  assert.equal(figures.count(0, 'en'), '0');
  assert.equal(figures.count(1024, 'en'), '1,024');
  assert.equal(figures.count(999_999, 'zh'), '999,999');
  assert.equal(thin(figures.count(1_240_000, 'en')), '1.24 M');
  assert.equal(thin(figures.count(1_240_000, 'zh')), '124 万');
});

test('an amount has at most four digits', () => {
  assert.equal(figures.amount(0.44, 'en'), '0.4');
  assert.equal(figures.amount(3, 'en'), '3');
  assert.equal(figures.amount(9412, 'en'), '9,412');
  assert.equal(thin(figures.amount(12_400, 'en')), '12.4 k');
  assert.equal(thin(figures.amount(12_400, 'zh')), '1.24 万');
  assert.equal(thin(figures.amount(350_000_000, 'zh')), '3.50 亿');
  assert.equal(thin(figures.axisAmount(50_000, 'en')), '50 k');
  assert.equal(figures.axisAmount(100, 'en'), '100');
  assert.equal(figures.axisAmount(1000, 'en'), '1,000');
});

test('what is not known is a dash, never a zero', () => {
  assert.equal(figures.count(null, 'en'), '–');
  assert.equal(figures.amount(undefined, 'zh'), '–');
  assert.equal(figures.memory(undefined), '–');
  assert.deepEqual(figures.latencyPair(null, null), ['–', '–', 'ms']);
});

test('memory is in powers of 1024, rates in powers of 1000', () => {
  assert.equal(thin(figures.memory(0)), '0 B');
  assert.equal(thin(figures.memory(1024)), '1.00 KiB');
  assert.equal(thin(figures.memory(256 * 2 ** 20)), '256 MiB');
  assert.equal(thin(figures.byteRate(1_500_000)), '1.50 MB/s');
});

test('two latencies share their unit', () => {
  assert.deepEqual(figures.latencyPair(0.256, 1.024), ['0.26', '1.02', 'ms']);
  assert.deepEqual(figures.latencyPair(0.064, 114.7), ['0.064', '115', 'ms']);
  assert.deepEqual(figures.latencyPair(200, 2048), ['0.20', '2.05', 's']);
});

test('a span of time has two parts at most', () => {
  assert.equal(figures.span(0, 'en'), '0 s');
  assert.equal(figures.span(0.01, 'en'), '0 s');
  assert.equal(figures.span(4.2, 'en'), '4.2 s');
  assert.equal(figures.span(59.9, 'en'), '59 s');
  assert.equal(figures.span(125, 'zh'), '2 分');
  assert.equal(figures.span(7500, 'en'), '2 h 5 min');
  assert.equal(figures.span(187_000, 'zh'), '2 天 3 小时');
});

test('the top of an axis holds the value, halves well, and is not below its least', () => {
  for (const value of [0, 0.3, 1, 7, 9.4, 95, 101, 250, 952, 12_345, 9.9e8]) {
    const top = figures.roundUp(value, 1);
    assert.ok(top >= value && top >= 1, `${value} under ${top}`);
    assert.ok(top <= Math.max(2, value * 1.7), `${value} far under ${top}`);
    assert.ok(String(Number((top / 2).toPrecision(3))).length <= String(Number(top.toPrecision(3))).length + 2);
  }
  assert.equal(figures.roundUp(3, 10), 10);
});
