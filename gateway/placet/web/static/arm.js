// @ts-check
/* Nothing decides by accident: controls are dead for a moment after they appear, and when the tab comes back until
   somebody moves. */
import { FRESH, OTHER } from './islands.js';

const DEAD = 600;

let since = performance.now();
let moved = true;

export function begin() {
  appear();
  document.addEventListener(FRESH, mark);
  document.addEventListener(OTHER, appear);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return;
    moved = false;
    appear();
  });
  for (const kind of ['pointermove', 'pointerdown', 'keydown', 'focusin']) {
    addEventListener(kind, () => (moved = true), { capture: true, passive: true });
  }
  addEventListener('click', refuse, { capture: true });
  addEventListener('submit', refuse, { capture: true });
  addEventListener('keydown', (event) => {
    const onDecision = event.target instanceof Element && event.target.closest('[data-arm]');
    if (event.repeat && onDecision && ['Enter', ' '].includes(event.key) && !isText(event.target)) event.preventDefault();
  }, { capture: true });
}

/** Whether a decision may be sent now. */
export function isArmed() {
  return moved && performance.now() - since >= DEAD;
}

/** Begins the moment in which nothing decides. */
export function appear() {
  since = performance.now();
  mark();
  setTimeout(mark, DEAD + 10);
}

function mark() {
  for (const bar of document.querySelectorAll('[data-arm]')) bar.toggleAttribute('data-disarmed', performance.now() - since < DEAD);
}

/** @param {Event} event */
function refuse(event) {
  const at = event.target instanceof Element ? event.target : null;
  const decides = at?.closest('[data-arm]') && (event.type === 'submit' || at.closest('button:not([type="button"])'));
  if (!decides || isArmed()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** @param {EventTarget | null} target */
export function isText(target) {
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
    || (target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'submit'].includes(target.type))
    || (target instanceof HTMLElement && target.isContentEditable);
}
