// @ts-check
/* Small things: quick reasons, a digest to copy, colours that change at once, and on from what was decided. */
import { FRESH } from './islands.js';
import * as say from './say.js';

export function begin() {
  show();
  goOn();
  document.addEventListener(FRESH, show);
  document.addEventListener('click', (event) => {
    const at = event.target instanceof Element ? event.target : null;
    const chip = at?.closest('[data-quick] button');
    if (chip) reason(chip);
    const back = at?.closest('[data-back]');
    if (back) {
      // What was typed is kept in this tab, in its fields.
      event.preventDefault();
      location.assign(back.getAttribute('data-back') ?? '');
    }
    const digest = at?.closest('.digest code');
    if (digest) copy(digest.getAttribute('title') ?? digest.textContent ?? '');
  });
  for (const choice of document.querySelectorAll('input[name="theme"]')) {
    choice.addEventListener('change', () => (document.documentElement.dataset.theme = /** @type {HTMLInputElement} */ (choice).value));
  }
}

function show() {
  for (const quick of document.querySelectorAll('[data-quick]')) quick.removeAttribute('hidden');
}

/** Who has decided reads what became of it, and is at what waits next. */
function goOn() {
  // What was wrong with a form that was sent comes first, with links to where it is.
  /** @type {HTMLElement | null} */ (document.querySelector('#summary, #problem[tabindex]'))?.focus();
  const outcome = document.getElementById('outcome');
  if (!new URLSearchParams(location.search).has('done') || !outcome) return;
  history.replaceState(history.state, '', location.pathname);
  say.politely(outcome.textContent?.trim() ?? '');
  /** @type {HTMLElement} */ (document.querySelector('.headline .next-up a') ?? outcome).focus();
}

/** @param {Element} chip */
function reason(chip) {
  const field = chip.closest('form')?.querySelector('textarea');
  if (!field) return;
  field.value = field.value ? `${field.value}\n${chip.textContent}` : (chip.textContent ?? '');
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.focus();
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say.politely('The digest is copied.');
  } catch {
    // It can be selected all the same.
  }
}
