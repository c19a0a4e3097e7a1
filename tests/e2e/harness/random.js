// A seeded generator: a failing run says its seed, and FANFARE_SEED repeats it.
export function seededRandom(seed = Number(process.env.FANFARE_SEED ?? (Date.now() % 2 ** 31))) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
  random.seed = seed;
  random.below = (bound) => Math.floor(random() * bound);
  random.pick = (list) => list[random.below(list.length)];
  return random;
}
