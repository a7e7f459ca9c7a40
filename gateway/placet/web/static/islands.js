// @ts-check
/* Reads the page again and puts in what has changed; what somebody is typing into is never taken away. */
import * as say from './say.js';
import { page } from './trusted.js';

/** Told after parts of the page were replaced. */
export const FRESH = 'placet:fresh';
/** Told where what decides has become another one. */
export const OTHER = 'placet:other';

/** @type {Promise<Document | null> | null} */
let reading = null;

/**
 * Returns a page of ours as a document; null where it cannot be had now.
 * @param {string} address
 */
export async function read(address) {
  try {
    // Only the way to sign in is a redirect, and it is not gone here: it would begin a sign-in in place of the reader's.
    const answer = await fetch(address, { credentials: 'same-origin', cache: 'no-store', redirect: 'manual', headers: { Accept: 'text/html' } });
    if (answer.type === 'opaqueredirect') {
      signedOut();
      return null;
    }
    return answer.status < 500 ? page(await answer.text()) : null;
  } catch {
    return null;
  }
}

/**
 * Reads this page again and replaces the islands that differ.
 * @param {string[]=} only their ids; without them all
 */
export async function refresh(only) {
  reading ??= read(here()).finally(() => (reading = null));
  const fresh = await reading;
  if (!fresh) return false;
  for (const island of document.querySelectorAll('[data-island]')) {
    const next = fresh.getElementById(island.id);
    if (next && (!only || only.includes(island.id))) replace(/** @type {HTMLElement} */ (island), next);
  }
  title(fresh);
  document.dispatchEvent(new CustomEvent(FRESH));
  return true;
}

/** Where this page can be read: what a decision is answered with stands at an address that only takes forms. */
function here() {
  return location.pathname.replace(/\/decision$/, '') + location.search;
}

/**
 * Whether somebody has changed a field below an element.
 * @param {Element} within
 */
export function isDirty(within) {
  return [...within.querySelectorAll('input, textarea, select')].some(isChanged);
}

/** @param {Element} field */
function isChanged(field) {
  if (field instanceof HTMLTextAreaElement) return field.value !== field.defaultValue;
  if (field instanceof HTMLSelectElement) return [...field.options].some((one) => one.selected !== one.defaultSelected) && field.selectedIndex > 0;
  if (!(field instanceof HTMLInputElement) || field.type === 'hidden') return false;
  return ['checkbox', 'radio'].includes(field.type) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
}

/**
 * @param {HTMLElement} old
 * @param {HTMLElement} fresh
 */
function replace(old, fresh) {
  const ended = old.dataset.status === 'pending' && fresh.dataset.status !== undefined && fresh.dataset.status !== 'pending';
  if (!ended && (isDirty(old) || isTyping(old) || old.querySelector('#problem'))) return;
  keepKeys(old, fresh);
  const kept = old.querySelector('[data-kept]');
  if (kept) fresh.querySelector('#outcome')?.after(kept.cloneNode(true));
  // That controls are dead for a moment is no news of the page's.
  for (const bar of fresh.querySelectorAll('[data-arm]')) bar.toggleAttribute('data-disarmed', Boolean(old.querySelector('[data-disarmed]')));
  if (old.isEqualNode(fresh)) return;
  const typed = ended ? drafts(old) : [];
  const wasDeciding = Boolean(document.activeElement?.closest('.bar')) && old.contains(document.activeElement);
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  for (const fold of /** @type {NodeListOf<HTMLDetailsElement>} */ (old.querySelectorAll('details[data-key]'))) {
    fresh.querySelector(`details[data-key="${fold.dataset.key}"]`)?.toggleAttribute('open', fold.open);
  }
  const next = document.adoptNode(fresh);
  old.replaceWith(next);
  if (decides(old) !== decides(next)) document.dispatchEvent(new CustomEvent(OTHER));
  if (ended) tellEnd(next, typed, wasDeciding);
  else if (focused) twin(focused, old, next)?.focus({ preventScroll: true });
}

/**
 * Returns what stands now where an element stood, if it says the same.
 * @param {Element} one
 * @param {Element} old
 * @param {Element} next
 * @returns {HTMLElement | undefined}
 */
function twin(one, old, next) {
  if (one.id) return document.getElementById(one.id) ?? undefined;
  const alike = /** @param {Element} within */ (within) =>
    /** @type {HTMLElement[]} */ ([...within.querySelectorAll(one.tagName)].filter((other) => other.textContent === one.textContent));
  return alike(next)[alike(old).indexOf(/** @type {HTMLElement} */ (one))];
}

/**
 * Returns what can be pressed below an element, and what it would decide on.
 * @param {Element} within
 */
function decides(within) {
  const parts = [...within.querySelectorAll('[data-arm] button, [data-arm] a.button, [data-arm] summary, fieldset.choice, input[name="digest"]')];
  return parts.map((part) => part.textContent || part.getAttribute('value')).join('\n');
}

/**
 * A page that is shown longer sends under the same key: sent twice it counts once.
 * @param {Element} old
 * @param {Element} fresh
 */
function keepKeys(old, fresh) {
  const batch = old.querySelector('input[name="batch"]')?.getAttribute('value');
  if (batch) fresh.querySelector('input[name="batch"]')?.setAttribute('value', batch);
  for (const field of old.querySelectorAll('input[name="key"]')) {
    const kind = field.closest('[data-decide]')?.getAttribute('data-decide');
    const next = kind && fresh.querySelector(`[data-decide="${kind}"] input[name="key"]`);
    if (next) next.setAttribute('value', /** @type {HTMLInputElement} */ (field).value);
  }
}

/** @param {Element} within */
function isTyping(within) {
  const active = document.activeElement;
  return within.contains(active) && (active instanceof HTMLTextAreaElement || (active instanceof HTMLInputElement && active.type !== 'checkbox'));
}

/** @param {Element} within */
function drafts(within) {
  const sentBefore = Boolean(within.querySelector('#problem'));
  return [...within.querySelectorAll('textarea')].filter((field) => field.value && (sentBefore || isChanged(field))).map((field) => field.value);
}

/**
 * @param {HTMLElement} card
 * @param {string[]} typed
 * @param {boolean} wasDeciding
 */
function tellEnd(card, typed, wasDeciding) {
  const outcome = card.querySelector('#outcome');
  const said = outcome?.textContent?.trim() ?? 'It has ended.';
  if (typed.length && outcome) {
    const kept = document.createElement('details');
    const summary = document.createElement('summary');
    const text = document.createElement('pre');
    summary.textContent = 'What you had typed';
    text.textContent = typed.join('\n\n');
    text.tabIndex = 0;
    kept.dataset.kept = '';
    kept.append(summary, text);
    outcome.after(kept);
  }
  say.politely(said);
  if (wasDeciding && outcome instanceof HTMLElement) outcome.focus();
}

/** @param {Document} fresh */
function title(fresh) {
  document.title = fresh.title;
  const icon = /** @type {HTMLLinkElement | null} */ (document.getElementById('icon'));
  const waiting = /^\(\d+\)/.test(fresh.title);
  const wanted = waiting ? icon?.dataset.waiting : icon?.dataset.quiet;
  if (icon && wanted && icon.getAttribute('href') !== wanted) icon.setAttribute('href', wanted);
}

function signedOut() {
  const bar = document.getElementById('connection');
  if (!bar || (bar.dataset.kind === 'signed-out' && !bar.hidden)) return;
  bar.dataset.kind = 'signed-out';
  bar.textContent = 'You are signed out. What you typed is kept. ';
  const link = document.createElement('a');
  link.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.target = '_blank';
  link.rel = 'noopener';
  link.textContent = 'Sign in in a new tab';
  bar.append(link);
  bar.hidden = false;
}
