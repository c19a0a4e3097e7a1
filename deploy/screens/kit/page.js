// Building and changing a page. Nothing here is HTML in a string, and nothing is written that is there already.
import { say } from './words.js';

export const kGlyphs = { ok: '●', calm: '○', note: '◆', warn: '▲', alarm: '■' };

export function make(name, className = '', ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}
const kSvg = 'http://www.w3.org/2000/svg';
export function draw(name, attributes) {
  const made = document.createElementNS(kSvg, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
export function mark(element, name, value) {
  if (value === '' || value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}
export function style(element, name, value) {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}
let lastName = 0;
export const newName = () => `ff-${++lastName}`;
