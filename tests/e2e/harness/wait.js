// Waiting for facts: never for time. A fact is looked at again and again until it holds or its
// deadline has passed; then the test fails with what was seen last.
import assert from 'node:assert/strict';

const kSlowness = Number(process.env.FANFARE_SLOWNESS ?? 1); // sanitizers: everything takes longer

const said = (what) => (typeof what === 'function' ? what() : what);

// Resolves with the first truthy value of `fact()`; `what` may be a function, called when there is none. Both may be async.
export async function until(fact, what, seconds = 10) {
  const deadline = performance.now() + seconds * 1000 * kSlowness;
  let last;
  let problem;
  for (;;) {
    try {
      last = await fact();
      problem = undefined;
      if (last) return last;
    } catch (error) {
      if (error.final) throw error; // it will not come true any more
      problem = error;
    }
    if (performance.now() > deadline) {
      assert.fail(`not within ${seconds} s: ${await said(what)}; last seen: ${problem ?? JSON.stringify(last)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

// Rejects if `promise` takes longer; `what` may be a function, called when it does.
export async function within(promise, what, seconds = 10) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${seconds} s: ${said(what)}`)),
      seconds * 1000 * kSlowness);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
