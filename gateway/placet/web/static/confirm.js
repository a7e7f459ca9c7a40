// @ts-check
/* A grave call is confirmed in a dialog: the same page that asks without scripts, fetched and shown here. */
import * as arm from './arm.js';
import { FRESH } from './islands.js';
import { page } from './trusted.js';

export function begin() {
  document.addEventListener('submit', async (event) => {
    const form = event.target instanceof HTMLFormElement ? event.target : null;
    if (!form?.hasAttribute('data-confirm') || event.defaultPrevented) return;
    event.preventDefault();
    const asked = await ask(form);
    if (asked) show(asked, form);
    else form.submit();
  });
}

/** @param {HTMLFormElement} form */
async function ask(form) {
  try {
    const fields = new URLSearchParams(/** @type {any} */ (new FormData(form)));
    const answer = await fetch(form.action, { method: 'POST', body: fields, credentials: 'same-origin' });
    return answer.status === 200 ? page(await answer.text()).getElementById('confirm') : null;
  } catch {
    return null;
  }
}

/**
 * @param {HTMLElement} asked
 * @param {HTMLFormElement} form
 */
function show(asked, form) {
  const dialog = document.createElement('dialog');
  dialog.className = 'confirming';
  dialog.setAttribute('aria-label', 'Confirm');
  dialog.append(document.adoptNode(asked));
  document.body.append(dialog);
  const back = /** @type {HTMLElement | null} */ (dialog.querySelector('a.button'));
  back?.addEventListener('click', (event) => {
    event.preventDefault();
    dialog.close();
  });
  const ended = () => document.querySelector('[data-island][data-status]:not([data-status="pending"])') && dialog.close();
  document.addEventListener(FRESH, ended);
  dialog.addEventListener('close', () => {
    document.removeEventListener(FRESH, ended);
    dialog.remove();
    (form.isConnected ? form.querySelector('button') : document.getElementById('outcome'))?.focus();
  });
  dialog.showModal();
  back?.focus();
  arm.appear();
}
