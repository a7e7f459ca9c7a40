// @ts-check
/* Ages and countdowns by the gateway's clock; a countdown never decides, it only has the page read again. */
import { FRESH, refresh } from './islands.js';
import * as say from './say.js';

const MARKS = [[600, 'Ten minutes left to decide.'], [60, 'One minute left to decide.']];
const UNITS = /** @type {[number, string][]} */ ([[86_400, 'd'], [3_600, 'h'], [60, 'min']]);

let offset = 0;
/** @type {Map<string, number>} */
const before = new Map();

export function begin() {
  measure();
  tick();
  setInterval(tick, 1_000);
  document.addEventListener(FRESH, tick);
}

function measure() {
  const told = document.querySelector('meta[name="placet-now"]')?.getAttribute('content');
  const loaded = performance.timeOrigin + (performance.getEntriesByType('navigation')[0]?.duration ?? 0);
  const sent = /** @type {PerformanceNavigationTiming | undefined} */ (performance.getEntriesByType('navigation')[0])?.responseStart;
  if (told) offset = Date.parse(told) - (sent ? performance.timeOrigin + sent : loaded || Date.now());
}

function tick() {
  const now = Date.now() + offset;
  for (const one of document.querySelectorAll('time[data-age]')) write(one, span((now - at(one)) / 1_000));
  for (const one of document.querySelectorAll('time[data-deadline]')) count(one, (at(one) - now) / 1_000);
}

/**
 * @param {Element} one
 * @param {number} left
 */
function count(one, left) {
  write(one, left > 0 ? `in ${span(left)}` : 'now');
  if (document.body.dataset.page !== 'approval') return;
  const key = one.getAttribute('datetime') ?? '';
  const was = before.get(key) ?? left;
  before.set(key, left);
  for (const [mark, text] of MARKS) if (was > mark && left <= mark) say.politely(String(text));
  if (left <= 0 && was > 0) over();
  // At the moment itself: what the gateway sends right after it takes the countdown off the page.
  else if (left > 0 && left < 1) setTimeout(tick, left * 1_000);
}

function over() {
  say.atOnce('The time to decide is over.');
  for (const button of document.querySelectorAll('[data-arm] button, [data-arm] a.button')) button.setAttribute('aria-disabled', 'true');
  setTimeout(() => refresh(), 300);
}

/** @param {Element} one */
function at(one) {
  return Date.parse(one.getAttribute('datetime') ?? '');
}

/**
 * @param {Element} one
 * @param {string} text
 */
function write(one, text) {
  const words = [...one.childNodes].findLast((node) => node.nodeType === Node.TEXT_NODE);
  if (words && words.textContent !== text) words.textContent = text;
}

/**
 * Returns a length of time in its two largest units, as the gateway writes it.
 * @param {number} seconds
 */
function span(seconds) {
  let rest = Math.max(0, Math.floor(seconds));
  /** @type {string[]} */
  const parts = [];
  for (const [size, unit] of UNITS) {
    const many = Math.floor(rest / size);
    rest -= many * size;
    if (many || parts.length) parts.push(`${many} ${unit}`);
  }
  return parts.slice(0, 2).filter((part) => !part.startsWith('0 ')).join(' ') || `${rest} s`;
}
