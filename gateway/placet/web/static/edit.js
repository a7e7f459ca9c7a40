// @ts-check
/* While somebody edits: the gateway says what is changed and what is wrong, by the checks that will count at the end.
   What is typed is kept in this tab until the approval has ended. */
import * as say from './say.js';
import { page } from './trusted.js';

const PAUSE = 400;
const OWN = ['csrf_token', 'digest', 'key'];

/** @type {ReturnType<typeof setTimeout> | undefined} */
let soon;
let latest = 0;

export function begin() {
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector('form[data-checked]'));
  const card = /** @type {HTMLElement | null} */ (document.getElementById('edit'));
  if (!form || !card) return;
  const key = `placet:${card.dataset.id}:${card.dataset.digest}:form`;
  const draft = sessionStorage.getItem(key);
  // What answers a form that was sent is newer than the draft: the draft still has the item that was just removed.
  if (form.hasAttribute('data-sent')) keep(form, key);
  else if (draft) restore(form, draft);
  document.addEventListener('input', (event) => {
    set(event.target);
    look(form, key);
  });
  document.addEventListener('focusout', (event) => event.target instanceof Element && event.target.closest('.field') && look(form, key));
  document.addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest('[data-reset]')) sessionStorage.removeItem(key);
  });
}

/**
 * What is typed into is a value, also where it was null or not set; and so is what it is a part of.
 * @param {EventTarget | null} target
 */
function set(target) {
  if (!(target instanceof Element) || !target.getAttribute('name')?.startsWith('v:')) return;
  for (let field = target.closest('.field'); field; field = field.parentElement?.closest('.field') ?? null) {
    const value = /** @type {HTMLInputElement | null} */ (field.querySelector(':scope > .states input[value="value"]'));
    if (value) value.checked = true;
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {string} key
 */
function look(form, key) {
  clearTimeout(soon);
  soon = setTimeout(async () => {
    const sent = keep(form, key);
    const mine = ++latest;
    const told = await ask(form, sent);
    if (told && mine === latest) tell(told);
  }, PAUSE);
}

/**
 * Keeps what is typed in the tab, and returns it.
 * @param {HTMLFormElement} form
 * @param {string} key
 */
function keep(form, key) {
  const sent = fields(form);
  sessionStorage.setItem(key, kept(form, sent).toString());
  return sent;
}

/** @param {HTMLFormElement} form */
function fields(form) {
  return new URLSearchParams(/** @type {any} */ (new FormData(form)));
}

/**
 * Returns what may be kept in the tab: no secret that was typed, and nothing that a new page brings along itself.
 * @param {HTMLFormElement} form
 * @param {URLSearchParams} sent
 */
function kept(form, sent) {
  const rest = new URLSearchParams(sent);
  for (const name of OWN) rest.delete(name);
  for (const secret of /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll('input[type="password"], [data-hides]'))) rest.delete(secret.name);
  return rest;
}

/**
 * @param {HTMLFormElement} form
 * @param {URLSearchParams} sent
 */
async function ask(form, sent) {
  sent.set('do', 'check');
  try {
    const answer = await fetch(form.action, { method: 'POST', body: sent, credentials: 'same-origin' });
    return answer.ok ? page(await answer.text()) : null;
  } catch {
    return null;
  }
}

/**
 * Puts in what is changed, and what is wrong with each field but the one that is being typed into.
 * @param {Document} told
 */
function tell(told) {
  const [old, next] = [document.getElementById('changes'), told.getElementById('changes')];
  if (old && next && !old.contains(document.activeElement) && !old.isEqualNode(next)) old.replaceWith(document.adoptNode(next));
  for (const union of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('fieldset[data-branch]'))) turn(union, told);
  for (const field of document.querySelectorAll('div.field[id]')) {
    const input = field.querySelector('[name^="v:"]');
    const fresh = told.getElementById(field.id);
    if (!input || !fresh || input === document.activeElement) continue;
    const error = fresh.querySelector(`#${CSS.escape(field.id)}-error`);
    document.getElementById(`${field.id}-error`)?.remove();
    if (error) field.append(document.adoptNode(error));
    for (const name of ['aria-invalid', 'aria-describedby']) {
      const value = fresh.querySelector('[name^="v:"]')?.getAttribute(name);
      if (value) input.setAttribute(name, value);
      else input.removeAttribute(name);
    }
  }
}

/**
 * Shows the fields of the branch that was chosen; who types meanwhile is not disturbed.
 * @param {HTMLElement} union
 * @param {Document} told
 */
function turn(union, told) {
  const fresh = told.getElementById(union.id);
  const focused = union.contains(document.activeElement) ? document.activeElement : null;
  if (!fresh || fresh.dataset.branch === union.dataset.branch || (focused && !(focused instanceof HTMLSelectElement))) return;
  union.replaceWith(document.adoptNode(fresh));
  if (focused) document.getElementById(focused.id)?.focus();
  say.politely('The fields of this choice are shown.');
}

/**
 * @param {HTMLFormElement} form
 * @param {string} draft
 */
async function restore(form, draft) {
  const sent = new URLSearchParams(draft);
  for (const name of OWN) sent.set(name, /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).value);
  const told = await ask(form, sent);
  const typed = told?.querySelector('form[data-checked]');
  if (typed) form.replaceChildren(...document.adoptNode(typed).childNodes);
}
