// @ts-check
/* The list: what is new waits behind a button, what others decided stays for a moment, several can be picked. */
import { FRESH, read, refresh } from './islands.js';
import * as say from './say.js';

/** @typedef {import('./stream.js').Told} Told */

const STAYS = 10_000;
const ENDED = ['approval.decided', 'approval.expired', 'approval.cancelled', 'approval.superseded'];

/** @type {Set<string>} */
const arrived = new Set();
/** @type {HTMLInputElement | null} */
let lastPicked = null;

export function begin() {
  if (document.body.dataset.page !== 'inbox') return;
  document.querySelector('[data-merge]')?.addEventListener('click', merge);
  document.addEventListener('change', (event) => event.target instanceof HTMLInputElement && event.target.name === 'pick' && count());
  document.addEventListener('click', pick);
  document.addEventListener(FRESH, shown);
  count();
}

/** What the list shows by now is not new any more. */
function shown() {
  for (const id of arrived) if (document.getElementById(`row-${id}`)) arrived.delete(id);
  tellNew();
  count();
}

/** Shows what has come. */
export async function merge() {
  const many = arrived.size;
  arrived.clear();
  tellNew();
  await refresh();
  say.politely(`${many} new`);
}

/** @param {Extract<Told, {kind: 'event'}>} told */
export function hear(told) {
  const id = told.approval_id;
  if (!id || !told.type.startsWith('approval.')) return;
  if (told.type === 'approval.requested' && !document.getElementById(`row-${id}`)) arrived.add(id);
  if (ENDED.includes(told.type)) {
    arrived.delete(id);
    const row = document.getElementById(`row-${id}`);
    if (row?.dataset.status === 'pending') leave(row, id);
  }
  tellNew();
  refresh(['tabs']);
}

function tellNew() {
  const bar = document.getElementById('new');
  const button = bar?.querySelector('button');
  if (!bar || !button) return;
  const text = `${arrived.size} new ${arrived.size === 1 ? 'request' : 'requests'}`;
  if (arrived.size && button.textContent !== text) say.politely(text);
  button.textContent = text;
  bar.hidden = arrived.size === 0;
}

/**
 * @param {HTMLElement} row
 * @param {string} id
 */
async function leave(row, id) {
  row.dataset.status = 'ended';
  row.classList.add('gone');
  row.querySelector('input[name="pick"]')?.remove();
  count();
  const said = (await read(`/approvals/${id}`))?.getElementById('outcome')?.textContent?.trim() ?? 'Ended.';
  const cell = row.querySelector('.expires');
  if (cell) cell.textContent = said;
  say.politely(`${row.querySelector('.title')?.textContent ?? 'A request'}: ${said}`);
  setTimeout(() => {
    if (!row.contains(document.activeElement)) row.remove();
    else row.addEventListener('focusout', () => setTimeout(() => row.contains(document.activeElement) || row.remove()));
  }, STAYS);
}

/** @param {MouseEvent} event */
function pick(event) {
  const at = event.target instanceof Element ? event.target : null;
  const row = at?.closest('tr[data-id]');
  if (!row) return;
  if (at instanceof HTMLInputElement && at.name === 'pick') {
    if (event.shiftKey && lastPicked) extend(lastPicked, at);
    lastPicked = at;
    return;
  }
  const selecting = String(getSelection()) !== '';
  if (!selecting && !at?.closest('a, button, input, label')) row.querySelector('a')?.click();
}

/**
 * @param {HTMLInputElement} from
 * @param {HTMLInputElement} to
 */
function extend(from, to) {
  const boxes = picks();
  const [first, last] = [boxes.indexOf(from), boxes.indexOf(to)].sort((one, other) => one - other);
  for (const box of boxes.slice(first, last + 1)) if (!box.disabled) box.checked = to.checked;
  count();
}

function picks() {
  return /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll('input[name="pick"]')]);
}

/** Only calls of one tool are decided on together: the first one that is picked says which. */
function count() {
  const boxes = picks();
  const chosen = boxes.filter((box) => box.checked);
  const tool = chosen[0]?.dataset.tool;
  for (const box of boxes) box.disabled = tool !== undefined && box.dataset.tool !== tool;
  const told = document.getElementById('picked');
  if (told && chosen.length) told.textContent = `${chosen.length} of ${tool} selected`;
  for (const button of document.querySelectorAll('#several-bar button')) button.toggleAttribute('disabled', chosen.length === 0);
}
