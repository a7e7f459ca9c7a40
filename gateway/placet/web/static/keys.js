// @ts-check
/* The keyboard: single keys where nobody types; none of them decides by itself. */
import { isArmed, isText } from './arm.js';
import { isDirty } from './islands.js';
import * as list from './list.js';

const GO = /** @type {Record<string, string>} */ ({ i: '/inbox', d: '/inbox?tab=ended', r: '/runs', a: '/agents' });
const A_MOMENT = 1_500;

let going = -A_MOMENT;

export function begin() {
  const off = document.cookie.split('; ').includes('placet_keys=off');
  document.addEventListener('keydown', (event) => {
    if (event.isComposing || event.repeat) return;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) return send(event);
    if (event.key === 'Escape') return close();
    if (off || event.ctrlKey || event.metaKey || event.altKey || isText(event.target)) return;
    if (document.querySelector('dialog[open]')) return;
    if (press(event.key, event.shiftKey)) event.preventDefault();
  });
}

/**
 * Returns whether the key means something here.
 * @param {string} key
 * @param {boolean} shift
 */
function press(key, shift) {
  if (performance.now() - going < A_MOMENT && GO[key]) {
    location.assign(GO[key]);
    return true;
  }
  going = key === 'g' ? performance.now() : -A_MOMENT;
  if (key === 'g') return true;
  if (key === '?') return help();
  if (key === '/') return focus('[data-key="/"]');
  if (key === '[' || key === ']') return next(key === ']');
  if (document.body.dataset.page === 'inbox') return onList(key, shift);
  return onCard(key);
}

/**
 * @param {string} key
 * @param {boolean} shift
 */
function onList(key, shift) {
  const steps = /** @type {Record<string, number>} */ ({ j: 1, ArrowDown: 1, J: 1, k: -1, ArrowUp: -1, K: -1 });
  if (key in steps) return move(steps[key], shift);
  if (key === '.') {
    list.merge();
    return true;
  }
  const row = document.querySelector('tr[data-current]');
  // Enter is the link's or the button's own where one has the focus.
  const opens = key === 'o' || (key === 'Enter' && !document.activeElement?.closest('a, button'));
  if (opens) return Boolean(row && click(row.querySelector('a.title')));
  if (key === 'x') return Boolean(row && click(row.querySelector('input[name="pick"]')));
  return false;
}

/** @param {string} key */
function onCard(key) {
  if (key === 'a' && !isArmed()) return true;
  if (/^[1-9]$/.test(key)) return option(Number(key));
  const at = /** @type {HTMLElement | null} */ (document.querySelector(`[data-key="${CSS.escape(key)}"]`));
  if (!at) return false;
  if (key === 'e') return click(at);
  if (at instanceof HTMLDetailsElement) {
    at.open = key === 'r' || key === 'm' ? true : !at.open;
    const field = /** @type {HTMLElement | null} */ (at.querySelector('textarea'));
    (field ?? at.querySelector('summary'))?.focus();
    return true;
  }
  at.focus();
  return true;
}

/**
 * @param {number} by
 * @param {boolean} extends_
 */
function move(by, extends_) {
  const rows = [...document.querySelectorAll('tr[data-id]')];
  const now = rows.findIndex((row) => row.hasAttribute('data-current'));
  const row = rows[Math.min(Math.max(now + by, 0), rows.length - 1)];
  if (!row) return false;
  if (extends_) for (const one of [rows[now], row]) check(one);
  rows[now]?.removeAttribute('data-current');
  row.setAttribute('data-current', '');
  /** @type {HTMLElement | null} */ (row.querySelector('a.title'))?.focus();
  return true;
}

/** @param {Element | undefined} row */
function check(row) {
  const box = /** @type {HTMLInputElement | null | undefined} */ (row?.querySelector('input[name="pick"]'));
  if (box && !box.checked && !box.disabled) box.click();
}

/** @param {number} number */
function option(number) {
  const question = document.activeElement?.closest('fieldset.question') ?? document.querySelector('fieldset.question');
  const box = /** @type {HTMLElement | undefined} */ (question?.querySelectorAll('[data-option]')[number - 1]);
  if (!box) return false;
  box.click();
  box.focus();
  return true;
}

function help() {
  const dialog = document.getElementById('keys');
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
  return true;
}

/**
 * Opens the request before or behind this one, in the order of what waits.
 * @param {boolean} forward
 */
function next(forward) {
  if (forward) return click(document.querySelector('.next-up a'));
  const waiting = [...document.querySelectorAll('#queue li a')];
  const here = waiting.findIndex((one) => one.hasAttribute('aria-current'));
  return here > 0 && click(waiting[here - 1]);
}

/** @param {string} selector */
function focus(selector) {
  const at = /** @type {HTMLElement | null} */ (document.querySelector(selector));
  at?.focus();
  return Boolean(at);
}

/** @param {Element | null} at */
function click(at) {
  if (at instanceof HTMLElement) at.click();
  return Boolean(at);
}

/** Closes the box that somebody writes in; where there is none the request, unless there may be something typed. */
function close() {
  const open = /** @type {HTMLDetailsElement | null} */ (document.activeElement?.closest('details.say[open]') ?? null);
  if (open) {
    open.open = false;
    open.querySelector('summary')?.focus();
    return;
  }
  const card = document.getElementById('card');
  const elsewhere = isText(document.activeElement) || document.querySelector('dialog[open]');
  if (card && !elsewhere && !isDirty(card)) location.assign(listBefore());
}

/** The list that somebody came from, as they had filtered it. */
function listBefore() {
  const from = URL.canParse(document.referrer) ? new URL(document.referrer) : null;
  return from?.origin === location.origin && from.pathname === '/inbox' ? from.href : '/inbox';
}

/** @param {KeyboardEvent} event */
function send(event) {
  const form = event.target instanceof HTMLTextAreaElement ? event.target.form : null;
  if (!form?.hasAttribute('data-decide') || form.dataset.decide === 'approve') return;
  event.preventDefault();
  form.requestSubmit(form.querySelector('button.danger, button:not([type="button"])'));
}
